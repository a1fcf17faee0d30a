import type { BeaconArrived, CapiRequestSeen } from '../world.ts'

/** What the checks look at. */
export interface TourFacts {
  beacons: BeaconArrived[]
  capi: CapiRequestSeen[]
  /** What the tracker says of its script. */
  script: string
  /** Ids of the inspector's findings. */
  findings: string[]
  cookies: string
}

export interface Check {
  id: string
  title: string
  /** What to do. */
  task: string
  done(facts: TourFacts): boolean
}

const customs = ({ beacons }: TourFacts) => beacons.filter(({ evt }) => evt === 'custom')
const consents = ({ beacons }: TourFacts, asc: string) =>
  beacons.some(({ evt, params }) => evt === 'consent' && params.src === 'update' && params.asc === asc)
const orders = (facts: TourFacts) =>
  customs(facts).filter(({ params }) => params.el === 'Order Completed' && params.asc === 'G' && params.gv)
const delivered = ({ capi }: TourFacts) => capi.filter(({ status }) => status === 200).flatMap(({ events }) => events)

/** Ten things to see once. Each turns green by doing it. */
export const TOUR: readonly Check[] = [
  {
    id: 'arrive',
    title: 'A page load arrives',
    task: 'Open the shop. You just did.',
    done: ({ beacons }) => beacons.some(({ evt }) => evt === 'pageLoad'),
  },
  {
    id: 'denied',
    title: 'No ids before consent',
    task: 'Before you answer the cookie banner, put something into the cart: the beacon says asc=D, goes to bat.bing.net and has no visitor id.',
    done: (facts) =>
      customs(facts).some(({ host, params }) => host === 'bat.bing.net' && params.asc === 'D' && !params.vid),
  },
  {
    id: 'granted',
    title: 'Consent counts at once',
    task: 'Choose “Allow all” in the banner: one consent signal leaves, and what follows says asc=G.',
    done: (facts) => consents(facts, 'G'),
  },
  {
    id: 'order',
    title: 'An order arrives',
    task: 'Buy something: cart, checkout, “Place the order”.',
    done: (facts) => orders(facts).length > 0,
  },
  {
    id: 'twin',
    title: 'The server has its twin',
    task: 'Find that order under “What the Conversions API got”: the same event id, so Microsoft counts it once.',
    done: (facts) => {
      const ids = orders(facts).map(({ params }) => params.event_id)
      return delivered(facts).some(({ id }) => ids.includes(id))
    },
  },
  {
    id: 'withdrawn',
    title: 'A visitor changes their mind',
    task: 'Open “Cookie settings” at the foot of the shop and refuse: the signal leaves, and the tag’s cookies are gone.',
    done: (facts) => consents(facts, 'D') && !/_uet(vid|sid)/.test(facts.cookies),
  },
  {
    id: 'spa',
    title: 'Views without page loads',
    task: 'Set “Shop” to single page and open a product: a page load of its own, marked spa=Y.',
    done: ({ beacons }) => beacons.some(({ evt, params }) => evt === 'pageLoad' && params.spa === 'Y'),
  },
  {
    id: 'blocked',
    title: 'A blocker is no loss',
    task: 'Set “Tag script” to blocked, allow cookies, and open a product: its page load reaches Microsoft through the relay.',
    done: (facts) => facts.script === 'blocked' && delivered(facts).some(({ type }) => type === 'pageLoad'),
  },
  {
    id: 'outage',
    title: 'An outage is no loss',
    task: 'With cookies allowed, set “Conversions API” to unavailable, put something into the cart, and set it back: it is delivered after all.',
    done: (facts) => {
      const failed = facts.capi
        .filter(({ status }) => status !== 200)
        .flatMap(({ events }) => events.map(({ id }) => id))
      return delivered(facts).some(({ id }) => failed.includes(id))
    },
  },
  {
    id: 'finding',
    title: 'A mistake gets a name',
    task: 'Press the “Order Completed” button below, which forgets the currency, and read the inspector’s finding.',
    done: ({ findings }) => findings.includes('revenue-without-currency'),
  },
]
