/** Recognises the numbers of police, fire brigade and ambulance, so that a flow in development does not call them by accident. */

/** Networks in many countries accept these: 3GPP TS 22.101 10.1 and the numbers of the larger countries. */
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

/** Further emergency numbers by calling code. In other countries these are common extensions. */
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
/**
 * Emergency numbers that are also recognised after the digit for an outside line (0 or 9 nearly everywhere) or a service code. With
 * other numbers, extensions would be taken for emergency numbers.
 */
const KNOWN_BY_ALL: ReadonlySet<string> = new Set(['110', '112', '911', '999'])
const SEPARATORS = /[\s().\-/\u00a0]/g
/** 3GPP TS 22.030 6.5.2 and ATIS vertical service codes: `*31#112` and `*67911` reach the same service as `112` and `911`. */
const SERVICE_CODE = /^[*#]\d{2,3}[*#]|^\*\d{2}(?=\d)/
/** Text after a number that does not change the callee: parameters, pauses, the `#` that ends dialling. */
const AFTER_NUMBER = /(?:[;,#]|\*$).*$/

/**
 * The emergency number in a dialled text, in any form: `112`, `+112`, `+49112`, `0049112`, `0112`, `112#`, `*31#112`.
 * `countryCode` is the account's, '' if it is not set.
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

/** The ways in which an exchange may read a number, each with its country: the number itself, or the digits after a calling code. */
function* readingsOf(number: string, countryCode: string): Iterable<[digits: string, country: string]> {
  yield [number, countryCode]
  if (countryCode !== '' && number.startsWith(countryCode)) yield [number.slice(countryCode.length), countryCode]
  const international = /^(?:\+|[09]?(?:00|011))0*([1-9]\d+)$/.exec(number)?.[1]
  if (international === undefined) return
  yield [international, countryCode] // mobile telephones dial `+112`
  for (const length of [1, 2, 3]) yield [international.slice(length), international.slice(0, length)]
}

const isEmergency = (number: string, countryCode: string): boolean =>
  COMMON.has(number) || (BY_COUNTRY.get(countryCode)?.includes(number) ?? false)
