import { describe, expect, it } from 'vitest'
import { serveSite } from './support/server.ts'
import { openSite, type Site } from './support/site.ts'
import { STUB, useSites } from './support/suite.ts'
import { arrived, READY, RELAY, run, type Trace, visit } from './support/traces.ts'

const { browser, open } = useSites()

const CLICK = '292049a17e2413e3a4081719e839afe6'
const VISITOR = '0123456789abcdef0123456789abcdef'
const BUY = "uetkit('track','Buy',{revenue:5,currency:'EUR'})"
const YES = "uetkit('consent','granted')"
const NO = "uetkit('consent','denied')"
const EMAIL = "uetkit('identify','user-1',{email:' Jane.Doe+News@Example.COM ',phone:'+44 (20) 7183-8750'})"
const GRANTED = "{default:'granted'}"

const group = (name: string, traces: Record<string, Trace>) =>
  describe(name, () => {
    it.each(Object.entries(traces))('%s', (_, trace) => run(browser(), trace))
  })

group('the click id', {
  'is not kept while denied': {
    consent: '{}',
    at: `/?msclkid=${CLICK}`,
    steps: [READY, BUY],
    sent: 'default:D pageLoad:D Buy:D',
  },
  'is kept when granted from the start': {
    consent: GRANTED,
    at: `/?msclkid=${CLICK}`,
    sent: 'default:G+id+click pageLoad:G+id+click',
    stored: 'tag tagclick click',
  },
  'is kept when granted later, though the address has lost it': {
    consent: '{}',
    at: `/?msclkid=${CLICK}`,
    steps: [READY, "history.replaceState(0,'','/thanks')", YES, BUY],
    sent: 'default:D pageLoad:D update:G+id Buy:G+id',
    stored: 'tag choice click',
  },
  'is lost with the page on which nobody answered': {
    consent: '{}',
    at: `/?msclkid=${CLICK}`,
    steps: [READY, visit('/next'), READY, YES],
    sent: 'default:D pageLoad:D default:D pageLoad:D update:G+id',
    stored: 'tag choice',
  },
  'is not made of garbage': {
    consent: GRANTED,
    at: '/?msclkid=garbage%3Cscript%3E',
    sent: 'default:G+id+click pageLoad:G+id+click',
    stored: 'tag tagclick',
  },
  'has no cookie of ours where the site wants none': {
    consent: GRANTED,
    options: 'identifiers:{clickId:false,visitorId:false}',
    at: `/?msclkid=${CLICK}`,
    sent: 'default:G+id+click pageLoad:G+id+click',
    stored: 'tag tagclick',
  },
})

group('enhanced conversions', {
  'nothing is kept while denied, also not for a later grant': {
    consent: '{}',
    steps: [READY, EMAIL, YES, BUY],
    sent: 'default:D pageLoad:D update:G+id Buy:G+id',
    stored: 'tag choice',
  },
  'the hashes go with the next event': {
    consent: GRANTED,
    tag: { delayMs: 300 },
    steps: [EMAIL, BUY],
    sent: 'default:G+id pageLoad:G+id+pid pid:G+id+pid Buy:G+id+pid',
    stored: 'tag',
  },
  'the hashes of a user known later go with a beacon of their own': {
    consent: GRANTED,
    steps: [READY, EMAIL, BUY],
    sent: 'default:G+id pageLoad:G+id pid:G+id+pid Buy:G+id+pid',
    stored: 'tag',
  },
  'a withdrawal clears them, and a new grant does not bring them back': {
    consent: GRANTED,
    steps: [READY, EMAIL, BUY, async ({ seen }) => seen('custom'), NO, BUY, YES, BUY],
    sent: 'default:G+id pageLoad:G+id pid:G+id+pid Buy:G+id+pid update:D Buy:D update:G+id Buy:G+id',
    stored: 'tag choice',
  },
  'a withdrawal while they are made': {
    consent: GRANTED,
    steps: [READY, `${EMAIL};${NO};${YES};${BUY}`],
    sent: 'default:G+id pageLoad:G+id update:D update:G+id Buy:G+id',
    stored: 'tag choice',
  },
  'a reset clears them': {
    consent: GRANTED,
    steps: [READY, EMAIL, BUY, async ({ seen }) => seen('custom'), "uetkit('reset')", BUY],
    sent: 'default:G+id pageLoad:G+id pid:G+id+pid Buy:G+id+pid Buy:G+id',
    stored: 'tag',
  },
  'garbage is none': {
    consent: GRANTED,
    steps: [READY, "uetkit('identify','u',{email:'nobody',phone:'12345'})", BUY],
    sent: 'default:G+id pageLoad:G+id Buy:G+id',
    stored: 'tag',
  },
})

const sync = "idSync:{customerId:'7'}"
const relay = `relay:{url:'${RELAY}',pageLoads:'always'}`

group('the relay and the ID sync', {
  'get nothing while denied': {
    consent: '{}',
    options: `${relay},${sync}`,
    steps: [READY, EMAIL, BUY],
    sent: 'default:D pageLoad:D Buy:D',
    relayed: '',
  },
  'get what was granted, the image once a session': {
    consent: GRANTED,
    options: `${relay},${sync}`,
    steps: [READY, BUY, arrived(2), visit('/next'), READY, BUY],
    sent: 'default:G+id pageLoad:G+id Buy:G+id default:G+id pageLoad:G+id Buy:G+id',
    stored: 'tag visitor synced',
    relayed: 'page Buy page Buy',
    synced: 1,
  },
  'get the image once more for a known user, not again on each page that names them': {
    consent: GRANTED,
    options: sync,
    steps: [READY, BUY, EMAIL, BUY, visit('/next'), READY, BUY, EMAIL, BUY],
    sent: 'default:G+id pageLoad:G+id Buy:G+id pid:G+id+pid Buy:G+id+pid default:G+id pageLoad:G+id Buy:G+id pid:G+id+pid Buy:G+id+pid',
    stored: 'tag visitor synced',
    synced: 2,
  },
  'start with the grant': {
    consent: '{}',
    options: `${relay},${sync}`,
    steps: [READY, BUY, YES, BUY],
    sent: 'default:D pageLoad:D Buy:D update:G+id Buy:G+id',
    stored: 'tag choice visitor synced',
    relayed: 'Buy',
    synced: 1,
  },
  'a withdrawal drops what has not left yet, and what the session was synced with': {
    consent: GRANTED,
    options: `${relay},${sync}`,
    steps: [READY, arrived(1), `${BUY};${NO}`],
    sent: 'default:G+id pageLoad:G+id Buy:G+id update:D',
    relayed: 'page consent',
    synced: 1,
  },
  'a withdrawal drops what waits for a blocked script': {
    consent: GRANTED,
    options: `relay:{url:'${RELAY}',events:'blocked'}`,
    tag: { delayMs: 400 },
    steps: [`${BUY};${NO}`],
    sent: 'default:D update:D pageLoad:D Buy:D',
    relayed: '',
  },
})

describe('values', () => {
  /** Opens a page with a tracker and what it says to Microsoft's ID sync and to a relay. */
  async function watch(options: string, site: Parameters<typeof openSite>[1] & { path?: string } = {}) {
    const { path = '/', ...rest } = site
    const html = `<script src="/dist/uetkit.min.js"></script><script>uetkit('init',{tagId:'1',${options}})</script>`
    const opened = await openSite(browser(), { ...rest, pages: { '/': html } })
    const users: Record<string, string>[] = []
    const synced: Record<string, string>[] = []
    await opened.context.route(RELAY, (route) => {
      for (const { user } of route.request().postDataJSON().events) users.push(user)
      return route.fulfill({ status: 202, headers: { 'access-control-allow-origin': '*' }, body: '{}' })
    })
    await opened.context.route('https://c.bing.com/**', (route) => {
      synced.push(Object.fromEntries(new URL(route.request().url()).searchParams))
      return route.fulfill({ status: 204 })
    })
    return Object.assign(opened, { users, synced, start: () => opened.page.goto(opened.origin + path) })
  }
  const using = async <T extends Site>(site: T, test: (site: T) => Promise<void>) => {
    try {
      await test(site)
      expect(site.errors).toEqual([])
    } finally {
      await site.close()
    }
  }

  it('writes first-party cookies on the tag’s domain, Lax and Secure, with their lives', async () => {
    await using(
      await watch(`consent:{},relay:{url:'${RELAY}'}`, {
        origin: 'https://www.shop.example',
        path: `/?a=1&MSCLKID=${CLICK.toUpperCase()}`,
      }),
      async (site) => {
        await site.start()
        await site.seen('pageLoad')
        await site.page.evaluate(`${YES};${BUY}`)
        await expect.poll(() => site.users.length).toBe(1)
        const cookies = await site.context.cookies()
        const days = (expires: number) => Math.round((expires - Date.now() / 1000) / 86400)
        const own = cookies.filter(({ name }) => name.startsWith('_uetkit'))
        expect(
          own
            .map(({ name, domain, path, sameSite, secure, expires }) => [
              name,
              domain,
              path,
              sameSite,
              secure,
              days(expires),
            ])
            .toSorted(),
        ).toEqual([
          ['_uetkit', '.shop.example', '/', 'Lax', true, 180],
          ['_uetkit_click', '.shop.example', '/', 'Lax', true, 90],
          ['_uetkit_visitor', '.shop.example', '/', 'Lax', true, 390],
        ])
        expect(own.find(({ name }) => name === '_uetkit_click')?.value).toBe(CLICK)
        expect(cookies.find(({ name }) => name === '_uetvid')?.domain).toBe('.shop.example')
        expect(site.users[0]).toMatchObject({ msclkid: CLICK })
      },
    )
  })

  it.each([
    ["domain:'www.shop.example'", '.www.shop.example'],
    ['domain:false', 'www.shop.example'],
    ["domain:'other.example'", 'www.shop.example'],
  ])('keeps to identifiers.%s, and withdrawing still clears the tag’s wider cookies', async (domain, expected) => {
    await using(
      await watch(`consent:{},identifiers:{${domain}}`, {
        origin: 'https://www.shop.example',
        path: `/?msclkid=${CLICK}`,
      }),
      async (site) => {
        await site.start()
        await site.seen('pageLoad')
        await site.page.evaluate(YES)
        const cookies = await site.context.cookies()
        expect(cookies.find(({ name }) => name === '_uetkit_click')?.domain).toBe(expected)
        expect(cookies.find(({ name }) => name === '_uetvid')?.domain).toBe('.shop.example')
        await site.page.evaluate(NO)
        // The page's word reaches the browser's own store by another way than our question.
        await expect.poll(() => site.context.cookies()).toEqual([])
      },
    )
  })

  it('uses the tag’s visitor id for the relay and the ID sync, with the user’s hashes', async () => {
    await using(
      await watch(`consent:{default:'granted'},relay:{url:'${RELAY}'},idSync:{customerId:'42'}`),
      async (site) => {
        await site.context.addCookies([
          { name: '_uetvid', value: `${VISITOR}|extra`, domain: '.shop.example', path: '/' },
        ])
        await site.start()
        await site.seen('pageLoad')
        await site.page.evaluate(`${EMAIL};${BUY}`)
        await expect.poll(() => site.users.length).toBe(1)
        await expect.poll(() => site.synced.length).toBe(2)
        const [user] = site.users
        expect(user).toMatchObject({
          anonymousId: VISITOR,
          em: 'c4d25e9c90ff23e9145397bc6fbd5385ca5fbe78211222ccbecd0b369ebb19a6',
          ph: 'e631c2534428c6c9b48c2167604a8983046085e43a2c00ed748733c544c0bb4d',
        })
        expect(user?.externalId).toMatch(/^[0-9a-f]{64}$/)
        // Once for the visitor, once more when the user is known.
        expect(site.synced).toEqual([
          { Red3: 'BACID_42', VID: VISITOR },
          { Red3: 'BACID_42', VID: VISITOR, UID: user?.externalId },
        ])
        expect(site.of('custom')[0]?.params.pid).toBe(`em=${user?.em}&ph=${user?.ph}`)
        expect(JSON.stringify([site.beacons, site.users, site.synced])).not.toMatch(/jane|7183|user-1/i)
      },
    )
  })

  it('gives a new visitor one id everywhere, also for events before the tag script', async () => {
    await using(
      await watch(`consent:{default:'granted'},relay:{url:'${RELAY}',pageLoads:'always'},idSync:{customerId:'42'}`, {
        tagScript: { delayMs: 700 },
      }),
      async (site) => {
        await site.start()
        await site.page.evaluate(BUY)
        await expect.poll(() => site.users.length).toBe(2)
        await expect.poll(() => site.synced.length).toBe(1)
        const vid = (await site.seen('pageLoad'))[0]?.params.vid
        expect(vid).toMatch(/^[0-9a-f]{32}$/)
        expect([...site.users.map(({ anonymousId }) => anonymousId), site.synced[0]?.VID]).toEqual([vid, vid, vid])
      },
    )
  })

  it('passes hashes and drops garbage', async () => {
    await using(await watch(`consent:{default:'granted'}`), async (site) => {
      await site.start()
      await site.seen('pageLoad')
      const hash = 'EC81F3AC7B2B19675BAB9D54CF416F9F18CFF87C97DA5CCA82C0F0891BC40602'
      await site.page.evaluate(`uetkit('identify',null,{email:'${hash}',phone:'14255551234'});${BUY}`)
      const [buy] = await site.seen('custom')
      expect(buy?.params.pid).toBe(`em=${hash.toLowerCase()}`)
    })
  })

  it('never opens storage before consent, which reads it from the disk', async () => {
    const watched = `window.opened=[];for(const name of ['localStorage','sessionStorage']){const {get}=Object.getOwnPropertyDescriptor(window,name);
      Object.defineProperty(window,name,{get(){opened.push(name+String(new Error().stack.match(/uetkit[\\w.-]*js/)));return get.call(window)}})}`
    await using(await watch(`consent:{},idSync:{customerId:'1'}`, { before: watched }), async (site) => {
      await site.start()
      await site.seen('pageLoad')
      await site.page.evaluate(BUY)
      await site.seen('custom')
      const opened = () => site.page.evaluate('opened.filter((each)=>each.includes("uetkit.min.js")).length')
      expect(await opened()).toBe(0)
      await site.page.evaluate(YES)
      await expect.poll(opened).toBeGreaterThan(0)
    })
  })

  it('breaks nothing where cookies and storage are refused', async () => {
    const refuse = `for(const [o,k] of [[Document.prototype,'cookie'],[window,'localStorage'],[window,'sessionStorage']])
      Object.defineProperty(o,k,{get(){throw new DOMException('refused','SecurityError')},set(){throw new DOMException('refused','SecurityError')}})`
    await using(
      await watch(`consent:{},relay:{url:'${RELAY}'},idSync:{customerId:'1'}`, {
        before: refuse,
        tagScript: 'network-error',
      }),
      async (site) => {
        await site.start()
        await site.page.evaluate(`${YES};${EMAIL};${BUY};uetkit('reset');${NO};${YES}`)
        expect(await site.page.evaluate('uetkit("state").consent')).toBe('granted')
      },
    )
  })
})

describe('a withdrawal in another tab', () => {
  const html = `<script src="/dist/uetkit.min.js"></script><script>uetkit('init',{tagId:'1',consent:{},relay:{url:'${RELAY}'},idSync:{customerId:'7'}})</script>`

  /** A relay that does not answer, and a page that has granted and has an event for it. */
  async function granted(tagScript: 'ok' | 'network-error') {
    const site = await open({ pages: { '/': html, '/elsewhere': '' }, tagScript })
    let relayed: string[] = []
    await site.context.route('https://c.bing.com/**', (route) => route.fulfill({ status: 204 }))
    await site.context.route(RELAY, (route) => {
      const { events } = route.request().postDataJSON()
      relayed = [...relayed, ...events.map(({ name, type }: Record<string, string>) => name ?? type)]
      return route.abort()
    })
    await site.page.waitForFunction("/ready|blocked/.test(uetkit('state').script)")
    await site.page.evaluate(`${YES};${EMAIL};${BUY}`)
    await expect.poll(() => relayed).toContain('Buy')
    const other = await site.context.newPage()
    await other.goto(site.origin)
    await other.waitForFunction("/ready|blocked/.test(uetkit('state').script)")
    return { site, other, relayed: () => relayed }
  }
  const kept = ({ page }: Site) => page.evaluate('[document.cookie,...Object.keys(sessionStorage)].join()')

  it('leaves nothing of this one that it could not know of', async () => {
    const { site, other, relayed } = await granted('ok')
    await site.page.goto(`${site.origin}/elsewhere`)
    expect(await kept(site)).toContain('_uetkit_pending')
    await other.evaluate(NO)
    await site.page.goto(site.origin)
    await site.page.waitForFunction('uetq.uetLoaded')
    await site.page.evaluate(NO)
    expect(await kept(site)).toBe('')
    const before = relayed().length
    await site.page.evaluate(YES)
    await site.quiet(300)
    expect(relayed().slice(before)).toEqual([])
  })

  it('is not undone by a page that goes away, also where no storage event tells it', async () => {
    const { site, other } = await granted('network-error')
    await other.evaluate(NO)
    await expect.poll(() => site.context.cookies()).toEqual([])
    await site.page.goto(`${site.origin}/elsewhere`)
    expect(await kept(site)).toBe('')
    expect(await site.context.cookies()).toEqual([])
  })
})

describe('places', () => {
  const STATE = "uetkit('state').consent"
  const page = (consent: string, tagId = '1') =>
    `<script src="/dist/uetkit.min.js"></script><script>uetkit('init',{tagId:'${tagId}',consent:${consent}})</script>`

  it('two tags get each signal, each once, and both keep to it', async () => {
    const site = await open({ pages: { '/': page('{}', '1,2') } })
    await site.seen('pageLoad', 2)
    await site.page.evaluate(`${YES};${BUY};${NO};${BUY}`)
    await site.seen('custom', 4)
    await site.quiet(100)
    for (const ti of ['1', '2']) {
      const own = site.of().filter(({ params }) => params.ti === ti)
      const told = own.toSorted((a, b) => Number(a.params.bo) - Number(b.params.bo))
      expect(told.map(({ evt, params }) => `${params.src ?? evt}:${params.asc}`).join(' ')).toBe(
        'default:D pageLoad:D update:G custom:G update:D custom:D',
      )
      expect(own.filter(({ params }) => params.vid).every(({ params }) => params.asc === 'G')).toBe(true)
    }
    expect(await site.context.cookies()).toEqual([])
  })

  it('a withdrawal in one tab holds in the other', async () => {
    const site = await open({ pages: { '/': page('{}') } })
    await site.seen('pageLoad')
    await site.page.evaluate(YES)
    await site.seen('consent', 2)
    const other = await site.context.newPage()
    await other.goto(site.origin)
    await other.waitForFunction('uetq.uetLoaded')
    expect(await other.evaluate(STATE)).toBe('granted')
    await other.evaluate(NO)
    await site.page.waitForFunction(`${STATE}==='denied'`)
    const before = site.beacons.length
    await site.page.evaluate(BUY)
    await site.seen('custom')
    expect(site.beacons.slice(before).filter(({ params }) => params.sid || params.vid || params.asc === 'G')).toEqual(
      [],
    )
    expect(await site.context.cookies()).toEqual([])
  })

  it('a frame of the same site shares the choice', async () => {
    const site = await open({
      pages: { '/': `${page('{}')}<iframe src="/inner"></iframe>`, '/inner': page('{}', '2') },
    })
    await site.seen('pageLoad', 2)
    await site.page.evaluate(YES)
    const inner = site.page.frames()[1]!
    await inner.goto(`${site.origin}/inner`)
    await inner.waitForFunction('uetq.uetLoaded')
    expect(await inner.evaluate(STATE)).toBe('granted')
    await inner.evaluate(NO)
    await site.page.waitForFunction(`${STATE}==='denied'`)
    expect(await site.context.cookies()).toEqual([])
    expect(site.errors).toEqual([])
  })

  it('a frame of another site cannot touch the page’s choice', async () => {
    const site = await open({ pages: { '/': page('{}') } })
    await site.context.route('https://ads.example/**', (route) =>
      route.fulfill({ contentType: 'text/html', body: page('{}', '2').replace('src="', `src="${site.origin}`) }),
    )
    await site.seen('pageLoad')
    await site.page.evaluate(YES)
    await site.page.evaluate(
      "document.body.append(Object.assign(document.createElement('iframe'),{src:'https://ads.example/'}))",
    )
    await expect.poll(() => site.page.frames().length).toBe(2)
    const inner = site.page.frames()[1]!
    await inner.waitForFunction('window.uetkit')
    expect(await inner.evaluate(STATE)).toBe('denied')
    expect(await site.page.evaluate(STATE)).toBe('granted')
  })

  it('a page from the back/forward cache knows of a withdrawal before it sends anything', async () => {
    const pages: Record<string, string> = {}
    const site = await serveSite(pages)
    try {
      const html = site.tag('data-consent-default="denied"') + STUB
      pages['/'] = `${html}<script>addEventListener('pageshow',(e)=>{window.kept=e.persisted})</script>`
      pages['/next'] = html
      const sent = () => site.hits.filter(({ searchParams }) => !/Hide/.test(searchParams.get('evt')!))
      await site.page.goto(`${site.origin}/`)
      await site.page.waitForFunction('window.uetq&&uetq.uetLoaded')
      await site.page.evaluate(YES)
      await site.page.goto(`${site.origin}/next`)
      await site.page.waitForFunction('window.uetq&&uetq.uetLoaded')
      expect(await site.page.evaluate(STATE)).toBe('granted')
      await site.page.evaluate(NO)
      await expect.poll(() => sent().at(-1)?.searchParams.get('src')).toBe('update')
      const before = site.hits.length
      await site.page.goBack({ waitUntil: 'commit' })
      await site.page.waitForFunction('window.kept')
      expect(await site.page.evaluate(STATE)).toBe('denied')
      await site.page.evaluate(BUY)
      await expect.poll(() => sent().at(-1)?.searchParams.get('evt')).toBe('custom')
      const after = site.hits.slice(before).map(({ searchParams }) => searchParams)
      expect(after.filter((params) => params.get('asc') !== 'D' || params.has('sid') || params.has('vid'))).toEqual([])
      expect(after.filter((params) => params.get('src') === 'update')).toHaveLength(1)
      expect(await site.page.evaluate('document.cookie+Object.keys(localStorage)')).toBe('')
    } finally {
      await site.close()
    }
  })
})
