import { isMissing, isObject } from './json.ts'

interface Fault {
  /** Inside `customData`. */
  path: string
  message: string
}

type Check = (value: unknown) => boolean

const MAX_AMOUNT = 999_999_999_999
const text: Check = (value) => typeof value === 'string'
const whole: Check = (value) => Number.isInteger(value) && (value as number) >= 0
/** The tag's own rule: not negative, three decimals at most. */
const amount: Check = (value) =>
  typeof value === 'number' && value >= 0 && value <= MAX_AMOUNT && Math.abs(value - Number(value.toFixed(3))) < 1e-9
const day: Check = (value) => {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value)) return false
  const date = new Date(`${value}T00:00:00Z`)
  return !Number.isNaN(+date) && date.toISOString().startsWith(value)
}
const pageTypes = ['home', 'searchresults', 'category', 'product', 'cart', 'purchase', 'other']

const CUSTOM: Record<string, Check> = {
  eventCategory: text,
  eventLabel: text,
  eventValue: amount,
  value: amount,
  currency: (value) => typeof value === 'string' && /^[A-Z]{3}$/.test(value),
  transactionId: text,
  searchTerm: text,
  items: (value) => Array.isArray(value) && value.length > 0 && value.every(isObject),
  itemIds: (value) => Array.isArray(value) && value.every(text),
  pageType: (value) => pageTypes.includes(value as string),
  ecommTotalValue: amount,
  ecommCategory: text,
  hotelData: isObject,
}
const ITEM: Record<string, Check> = { id: text, name: text, price: amount, quantity: whole }
const HOTEL: Record<string, Check> = {
  totalPrice: amount,
  basePrice: amount,
  checkinDate: day,
  checkoutDate: day,
  lengthOfStay: (value) => whole(value) && (value as number) <= 30,
  partnerHotelId: text,
  bookingHref: text,
}

/** What is wrong inside `customData`; all of it only costs the field. Members of other names are ignored. */
export function customRules(custom: Record<string, unknown>): Fault[] {
  const faults: Fault[] = []
  const check = (target: Record<string, unknown>, rules: Record<string, Check>, prefix: string) => {
    for (const name in rules)
      if (!isMissing(target[name]) && !rules[name]!(target[name]))
        faults.push({ path: prefix + name, message: 'is not valid.' })
  }
  check(custom, CUSTOM, '')
  if (isObject(custom.hotelData)) check(custom.hotelData, HOTEL, 'hotelData.')
  if (Array.isArray(custom.items))
    custom.items.forEach((item, index) => isObject(item) && check(item, ITEM, `items.${index}.`))
  return faults
}
