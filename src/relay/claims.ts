import type { CapiEvent } from '../core/capi-json.ts'
import type { ServerEvent } from '../core/event.ts'
import { reveal, type TagSettings } from './settings.ts'
import { openTicket } from './signature.ts'

export interface WrongClaim {
  code: 'event_not_allowed' | 'value_not_allowed' | 'currency_not_allowed' | 'ticket_missing' | 'ticket_wrong'
  message: string
}

const TICKET_MISSING: WrongClaim = {
  code: 'ticket_missing',
  message: 'this event needs a signed ticket in its property "ticket"',
}
const TICKET_WRONG: WrongClaim = {
  code: 'ticket_wrong',
  message: 'the ticket is forged, expired, or belongs to another id, value or currency',
}

/**
 * Whether a browser may claim this. Whoever reads a page's source can send what the page sends, so the operator can
 * bound it: names, values and currencies that exist, and orders only with a ticket that the shop's backend signed.
 * Answers at once, but for a ticket.
 *
 * @param now Milliseconds since the epoch.
 */
export function judgeClaim(
  event: ServerEvent,
  capi: CapiEvent,
  tag: Pick<TagSettings, 'browser' | 'serverKey'>,
  now: number,
): WrongClaim | undefined | Promise<WrongClaim | undefined> {
  const { events, maxValue = Infinity, currencies, ticketFor } = tag.browser
  const name = event.name || event.type
  if (events && !events.includes(name)) {
    return { code: 'event_not_allowed', message: 'the event is not in the tag\'s "browser.events"' }
  }
  const { value, ecommTotalValue, currency } = capi.customData ?? {}
  if ((value ?? 0) > maxValue || (ecommTotalValue ?? 0) > maxValue) {
    return { code: 'value_not_allowed', message: 'the value is above the tag\'s "browser.maxValue"' }
  }
  if (currencies && currency !== undefined && !currencies.includes(currency)) {
    return { code: 'currency_not_allowed', message: 'the currency is not in the tag\'s "browser.currencies"' }
  }
  if (!ticketFor?.includes(name)) return undefined
  const presented = event.properties?.ticket
  if (presented === undefined) return TICKET_MISSING
  if (tag.serverKey === undefined) return TICKET_WRONG
  return openTicket(reveal(tag.serverKey), presented).then((ticket) => {
    const fits =
      ticket?.id === event.id &&
      typeof ticket.expires === 'number' &&
      ticket.expires * 1000 > now &&
      ticket.value === value &&
      ticket.currency === currency
    return fits ? undefined : TICKET_WRONG
  })
}
