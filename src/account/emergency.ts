/** Numbers that ring police, fire brigade or ambulance. They are recognised, so that a flow on trial rings no one by accident. */

/** Known by many networks everywhere, whatever the country: 3GPP TS 22.101 10.1 and the numbers of the larger countries. */
const EVERYWHERE = [
  '000',
  '110',
  '111',
  '112',
  '113',
  '115',
  '117',
  '118',
  '119',
  '120',
  '122',
  '123',
  '911',
  '999',
] as const

/** What else is one in a country, by its calling code. Elsewhere these are common extensions. */
const BY_COUNTRY = new Map<string, readonly string[]>([
  ['1', ['933', '988']],
  ['7', ['101', '102', '103', '104']],
  ['20', ['126', '180']],
  ['27', ['10111', '10177']],
  ['30', ['100', '108', '166', '199']],
  ['32', ['100', '101', '102']],
  ['33', ['15', '17', '18', '114', '116', '191', '196', '197']],
  ['34', ['061', '062', '080', '085', '088', '091', '092']],
  ['36', ['104', '105', '107']],
  ['40', ['961', '962']],
  ['41', ['144', '1414', '1415']],
  ['43', ['133', '144', '140', '141']],
  ['44', ['18000']],
  ['45', ['114']],
  ['48', ['984', '985', '986', '991', '992', '993', '994', '997', '998']],
  ['51', ['105', '106', '116']],
  ['52', ['066', '060', '065', '068']],
  ['54', ['100', '101', '107']],
  ['55', ['190', '191', '192', '193', '194', '199']],
  ['56', ['131', '132', '133']],
  ['57', ['125', '132', '165']],
  ['61', ['106']],
  ['62', ['129']],
  ['65', ['995']],
  ['66', ['191', '199', '1669']],
  ['84', ['114']],
  ['90', ['155', '156', '158']],
  ['91', ['100', '101', '102', '108']],
  ['92', ['15', '16', '1122']],
  ['98', ['125']],
  ['380', ['101', '102', '103', '104']],
  ['420', ['150', '155', '156', '158']],
  ['421', ['150', '155', '158', '159']],
  ['852', ['992']],
  ['853', ['993']],
  ['961', ['140', '175']],
  ['966', ['996', '997', '998']],
  ['971', ['997', '998']],
  ['972', ['100', '101', '102']],
])

const COMMON: ReadonlySet<string> = new Set(EVERYWHERE)
/** Behind the digit for an outside line, which is 0 or 9 nearly everywhere; others would be mistaken for extensions. */
const BEHIND_OUTSIDE_LINE: ReadonlySet<string> = new Set(['110', '112', '911', '999'])

/**
 * The emergency number in what is dialled, in whatever form: `112`, `+49112`, `0049112`, `0112`. `countryCode` is the account's, ''
 * where it has none.
 */
export function emergencyNumberIn(dialled: string, countryCode: string): string | undefined {
  const user = dialled.split(';', 1)[0]?.replace(/[\s().\-/]/g, '') ?? ''
  if (!/^\+?\d{2,10}$/.test(user)) return undefined
  const international = /^(?:\+|00|011)([1-9]\d+)$/.exec(user)?.[1]
  const forms = [
    ...(isEmergency(user, countryCode) ? [user] : []),
    ...withoutCountry(international ?? user, international === undefined ? [countryCode] : undefined),
    ...(/^[09]/.test(user) && BEHIND_OUTSIDE_LINE.has(user.slice(1)) ? [user.slice(1)] : []),
  ]
  return forms[0]
}

/** An emergency number behind a calling code, of any country unless some are given. */
function withoutCountry(digits: string, countries?: readonly string[]): string[] {
  const codes = countries ?? [1, 2, 3].map((length) => digits.slice(0, length))
  return codes
    .filter((code) => code !== '' && digits.startsWith(code))
    .filter((code) => isEmergency(digits.slice(code.length), code))
    .map((code) => digits.slice(code.length))
}

const isEmergency = (number: string, countryCode: string): boolean =>
  COMMON.has(number) || (BY_COUNTRY.get(countryCode)?.includes(number) ?? false)
