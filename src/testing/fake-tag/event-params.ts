import { isBlank, PARAMS } from './params.ts'
import { userDataValue } from './user-data.ts'

/** Keys and texts on the wire, not yet encoded, in the order they are sent. */
export type WireParams = Map<string, string>

const KNOWN_NAME = /^[a-z_]{2,32}$/

/**
 * Checks the parameters of one `event` call and gives what goes on the wire. Throws a string on the first value that
 * the tag rejects. Writes `items` and `promotions` back as text, as the tag does, which is why a second push of the
 * same object is rejected.
 */
export function readEventParams(params: Record<string, unknown>, onBadPid: (message: string) => void): WireParams {
  const wire: WireParams = new Map()
  for (const name of Object.keys(params)) {
    const value = params[name]
    if (name === 'pid') {
      addPid(wire, value, onBadPid)
      continue
    }
    const param = KNOWN_NAME.test(name) ? PARAMS.get(name) : undefined
    if (param === undefined || isBlank(param, value)) continue
    const written = param.rule(value, name)
    if (written === undefined || written === '') continue
    // Reflect.set, because a frozen object must be left as it is without an error.
    if (name === 'items' || name === 'promotions') Reflect.set(params, name, written)
    wire.set(param.wire, written)
  }
  checkProduct(wire)
  checkHotel(wire)
  return wire
}

/** Adds hashed user data; anything but an object is dropped and reported, without stopping the event. */
export function addPid(wire: WireParams, pid: unknown, onBadPid: (message: string) => void): void {
  if (pid === undefined || pid === null) return
  if (typeof pid !== 'object') {
    onBadPid('pid must be an object')
    return
  }
  const value = userDataValue(pid)
  if (value !== undefined) wire.set('pid', value)
}

/** A product id makes sense to the tag only together with a page type. */
export function checkProduct(wire: WireParams): void {
  if (wire.has('prodid') && !wire.has('pagetype')) {
    throw 'The pagetype parameter is required when you include the prodid parameter.'
  }
  const isPurchase = wire.get('ea') === 'purchase' && wire.get('pagetype') === 'purchase'
  const total = wire.get('ecomm_totalvalue')
  if (isPurchase && total !== undefined && !wire.has('gv')) wire.set('gv', total)
}

function checkHotel(wire: WireParams): void {
  const hasDetails = [...wire.keys()].some((key) => key.startsWith('hct_') && key !== 'hct_total_price')
  if (hasDetails && !(wire.has('hct_total_price') && wire.has('gc'))) {
    throw 'The hct_total_price and currency parameters are required when you include other hct_ parameters.'
  }
  if (wire.has('hct_total_price') && wire.has('gv')) {
    throw 'The hct_total_price parameter cannot be used together with revenue_value.'
  }
}
