// Journal time as replies show it: RFC 3339, UTC, milliseconds. By arithmetic, for rules have no
// Date.

const DAY_MS = 86_400_000
/** Days of 400 years of the Gregorian calendar, which then repeats. */
const ERA_DAYS = 146_097
/** Days from 0000-03-01, where years that begin in March are counted from, to 1970-01-01. */
const EPOCH_DAY = 719_468

/**
 * `2027-01-15T08:00:00.000Z` for ms since 1970, from 0 on. The civil date from a count of days as
 * in H. Hinnant's `civil_from_days`: years that begin in March have their leap day last.
 */
export function timeText(ms: number): string {
  const inDay = ms % DAY_MS
  const days = (ms - inDay) / DAY_MS + EPOCH_DAY
  const dayOfEra = days % ERA_DAYS
  const leaps = Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524)
  const fourCenturies = Math.floor(dayOfEra / 146_096)
  const yearOfEra = Math.floor((dayOfEra - leaps - fourCenturies) / 365)
  const before = 365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100)
  const dayOfYear = dayOfEra - before
  const month = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * month + 2) / 5) + 1
  const year = yearOfEra + Math.floor(days / ERA_DAYS) * 400 + (month >= 10 ? 1 : 0)
  const date = `${padded(year, 4)}-${padded(month >= 10 ? month - 9 : month + 3, 2)}-${padded(day, 2)}`
  const seconds = Math.floor(inDay / 1_000)
  const [hour, minute] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60]
  const time = `${padded(hour, 2)}:${padded(minute, 2)}:${padded(seconds % 60, 2)}`
  return `${date}T${time}.${padded(inDay % 1_000, 3)}Z`
}

function padded(value: number, digits: number): string {
  return String(value).padStart(digits, '0')
}
