/** One request that the tag script made, as it arrived. */
export interface Beacon {
  /** Counts from 1. */
  number: number
  /** Milliseconds since the epoch. */
  time: number
  host: string
  /** `pageLoad`, `custom`, `consent`, `pageHide`, … */
  evt: string
  params: Record<string, string>
}

/** As many as a page can show. */
const LIMIT = 500

/** What arrived in place of Microsoft's hosts. */
export class BeaconLog {
  #beacons: Beacon[] = []
  #number = 0

  add(host: string, query: URLSearchParams): void {
    const params = Object.fromEntries(query)
    this.#beacons.push({ number: ++this.#number, time: Date.now(), host, evt: params.evt ?? '', params })
    if (this.#beacons.length > LIMIT) this.#beacons.shift()
  }

  /** All that came after a number. */
  after(number: number): Beacon[] {
    return this.#beacons.filter((beacon) => beacon.number > number)
  }

  clear(): void {
    this.#beacons = []
  }
}
