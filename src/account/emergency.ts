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
/** Those that are looked for behind something: the digit for an outside line (0 or 9 nearly everywhere), a service code. Others would be mistaken for extensions. */
const KNOWN_BY_ALL: ReadonlySet<string> = new Set(['110', '112', '911', '999'])
const SEPARATORS = /[\s().\-/\u00a0]/g
/** 3GPP TS 22.030 6.5.2 and ATIS vertical service codes: `*31#112` and `*67911` reach the same service as `112` and `911`. */
const SERVICE_CODE = /^[*#]\d{2,3}[*#]|^\*\d{2}(?=\d)/
/** Text after a number that changes nothing in where the call goes: parameters, pauses, the `#` that sends it off. */
const AFTER_NUMBER = /(?:[;,#]|\*$).*$/

/**
 * The emergency number in what is dialled, in whatever form: `112`, `+112`, `+49112`, `0049112`, `0112`, `112#`, `*31#112`.
 * `countryCode` is the account's, '' where it has none.
 */
export function emergencyNumberIn(dialled: string, countryCode: string): string | undefined {
  const written = dialled.replace(SEPARATORS, '')
  const bare = written.replace(SERVICE_CODE, '')
  const number = bare.replace(AFTER_NUMBER, '')
  if (!/^\+?\d{2,14}$/.test(number)) return undefined
  const found = [...readingsOf(number, countryCode)].find(([digits, country]) => isEmergency(digits, country))?.[0]
  if (found !== undefined && (bare === written || KNOWN_BY_ALL.has(found))) return found
  const behindLine = /^[09]0?(\d{3})$/.exec(number)?.[1] ?? ''
  return KNOWN_BY_ALL.has(behindLine) ? behindLine : undefined
}

/** What a number may be to an exchange, and in which country: itself, or what stands behind a calling code. */
function* readingsOf(number: string, countryCode: string): Iterable<[digits: string, country: string]> {
  yield [number, countryCode]
  if (countryCode !== '' && number.startsWith(countryCode)) yield [number.slice(countryCode.length), countryCode]
  const international = /^(?:\+|[09]?(?:00|011))0*([1-9]\d+)$/.exec(number)?.[1]
  if (international === undefined) return
  yield [international, countryCode] // `+112` is what mobile telephones make of it
  for (const length of [1, 2, 3]) yield [international.slice(length), international.slice(0, length)]
}

const isEmergency = (number: string, countryCode: string): boolean =>
  COMMON.has(number) || (BY_COUNTRY.get(countryCode)?.includes(number) ?? false)
