/** https://learn.microsoft.com/en-us/advertising/campaign-management-service/audience: at most 128 characters. */
const MAX_LENGTH = 128

// Control characters, line ends and half surrogate pairs cannot be shown.
const INVISIBLE = /[\p{Cc}\p{Cs}\s]+/gu

// Braces break the ad customizer functions that name the audience.
const clean = (text: string): string => text.replace(/[{}]/g, '').replace(INVISIBLE, ' ').trim()

/**
 * `[{prefix}] {cohort name}: {cohort id}`, at most 128 UTF-16 units. A long cohort name is shortened and ends in `…`;
 * prefix and id stay whole. Undefined when nothing is left of a part, or prefix and id alone are too long.
 */
export function listName(prefix: string, cohortName: string, cohortId: string): string | undefined {
  const [start, name, id] = [clean(prefix), clean(cohortName), clean(cohortId)]
  if (!start || !name || !id) return undefined
  const around = `[${start}] : ${id}`.length
  const fitting = shorten(name, MAX_LENGTH - around)
  return fitting && `[${start}] ${fitting}: ${id}`
}

function shorten(name: string, room: number): string | undefined {
  if (name.length <= room) return name
  if (room < 2) return undefined
  const cut = name.slice(0, room - 1)
  // Never half of a surrogate pair.
  return `${/[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut}…`.replace(/\s+…$/, '…')
}
