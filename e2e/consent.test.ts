import { describe, it } from 'vitest'
import { useSites } from './support/suite.ts'
import { READY, RELAY, run, type Step, type Trace, visit } from './support/traces.ts'

const { browser } = useSites()

const CLICK = '292049a17e2413e3a4081719e839afe6'
const BUY = "uetkit('track','Buy',{revenue:5,currency:'EUR'})"
const YES = "uetkit('consent','granted')"
const NO = "uetkit('consent','denied')"
const GPC = "Object.defineProperty(Navigator.prototype,'globalPrivacyControl',{get:()=>true})"
/** An event with the preferences that a host stamps on it. */
const stamped = (preferences: string, properties = '{}') =>
  `uetkit('track','Buy',${properties},{consent:{categoryPreferences:${preferences}}})`
/** Takes a tool's own cookie away, which is none of ours to look at. */
const CLEAR =
  (name: string): Step =>
  ({ context }) =>
    context.clearCookies({ name })
const TODAY = Math.floor(Date.now() / 864e5)

const group = (name: string, traces: Record<string, Trace>) =>
  describe(name, () => {
    it.each(Object.entries(traces))('%s', (_, trace) => run(browser(), trace))
  })

group('without a managed consent', {
  'false sends no signal ever': {
    consent: 'false',
    steps: [BUY],
    sent: 'pageLoad:-+id Buy:-+id',
    stored: 'tag',
    state: 'unknown off',
  },
  'left out is the same with one notice': {
    consent: 'undefined',
    steps: [BUY],
    sent: 'pageLoad:-+id Buy:-+id',
    stored: 'tag',
    state: 'unknown off',
    warned: 'conversions from the EEA, UK and Switzerland are lost',
  },
  'an answer is not taken, and nothing of ours is stored or sent': {
    consent: 'false',
    options: `relay:{url:'${RELAY}'},idSync:{customerId:'7'}`,
    at: `/?msclkid=${CLICK}`,
    steps: ["uetkit('identify','u',{email:'a@b.example'})", YES, BUY],
    sent: 'pageLoad:-+id+click Buy:-+id+click',
    stored: 'tag tagclick',
    relayed: '',
    warned: 'consent() needs the option consent',
  },
})

/** A consent platform whose visitor allows these purposes, or nothing. */
const platform = (purposes: string) =>
  `window.__tcfapi=(command,version,told)=>told({gdprApplies:true,vendor:{consents:{1126:${purposes !== '{}'}}},purpose:{consents:${purposes}}},true)`

group('TCF', {
  'is left to the tag script: a grant': {
    consent: '{tcf:true}',
    before: platform('{1:true,3:true,4:true,7:true,9:true,10:true}'),
    steps: [READY, BUY],
    sent: 'tcf:-+id pageLoad:-+id Buy:-+id',
    stored: 'tag',
    state: 'unknown tcf',
  },
  'is left to the tag script: a refusal, and nothing of ours either': {
    consent: '{tcf:true}',
    options: `relay:{url:'${RELAY}'},idSync:{customerId:'7'}`,
    before: platform('{}'),
    at: `/?msclkid=${CLICK}`,
    steps: [READY, "uetkit('identify','u',{email:'a@b.example'})", BUY],
    sent: 'tcf:- pageLoad:- Buy:-',
    relayed: '',
  },
})

group('the default', {
  'is denied': { consent: '{}', steps: [BUY], sent: 'default:D pageLoad:D Buy:D', state: 'denied default' },
  'may be granted, which stores no choice': {
    consent: "{default:'granted'}",
    steps: [BUY],
    sent: 'default:G+id pageLoad:G+id Buy:G+id',
    stored: 'tag',
    state: 'granted default',
  },
  'reads ALLOWED': { consent: "{default:'ALLOWED'}", sent: 'default:G+id pageLoad:G+id', stored: 'tag' },
  'reads DENIED': { consent: "{default:'DENIED'}", sent: 'default:D pageLoad:D' },
  'denies for an odd value, which the tag would take for granted': {
    consent: "{default:'no thanks'}",
    sent: 'default:D pageLoad:D',
  },
  'holds what the tag sends until the answer comes': {
    consent: '{waitForUpdate:8000}',
    steps: [BUY, ({ seen }) => seen('consent'), YES],
    sent: 'default:D update:G+id pageLoad:G+id Buy:G+id',
    stored: 'tag choice',
  },
  'holds it no longer than told': { consent: '{waitForUpdate:300}', steps: [BUY], sent: 'default:D pageLoad:D Buy:D' },
  'does not wait where the answer is known': {
    consent: '{waitForUpdate:8000}',
    had: [`_uetkit=g${TODAY}`],
    steps: [BUY],
    sent: 'default:G+id pageLoad:G+id Buy:G+id',
    stored: 'tag choice',
  },
  'is denied by region': {
    consent: "{default:'EEA=denied,*=granted'}",
    sources: true,
    timezoneId: 'Europe/Berlin',
    sent: 'default:D pageLoad:D',
    state: 'denied region',
  },
  'is granted by region': {
    consent: "{default:{EEA:'denied','*':'granted'}}",
    sources: true,
    timezoneId: 'America/New_York',
    sent: 'default:G+id pageLoad:G+id',
    stored: 'tag',
    state: 'granted region',
  },
  'is denied where the region is unknown': {
    consent: "{default:{EEA:'denied','*':'granted'}}",
    sources: true,
    timezoneId: 'UTC',
    sent: 'default:D pageLoad:D',
  },
  'is in front of what the page itself has queued': {
    consent: '{}',
    head: "<script>uetq=[];uetq.push('event','early',{event_label:'Early'})</script>",
    steps: [BUY],
    sent: 'default:D pageLoad:D Buy:D Early:D',
  },
})

group('answers', {
  'granting before the script is there': {
    consent: '{}',
    tag: { delayMs: 300 },
    steps: [YES, BUY],
    sent: 'default:D update:G+id pageLoad:G+id Buy:G+id',
    stored: 'tag choice',
    state: 'granted api',
  },
  'granting later does not send the page load again': {
    consent: '{}',
    steps: [READY, YES, BUY],
    sent: 'default:D pageLoad:D update:G+id Buy:G+id',
    stored: 'tag choice',
  },
  'granting tells the tag at once, not with the next event': {
    consent: '{}',
    steps: [READY, YES],
    sent: 'default:D pageLoad:D update:G+id',
    stored: 'tag choice',
  },
  'the same answer again is no ping': {
    consent: '{}',
    steps: [READY, NO, NO, YES, YES, YES, BUY],
    sent: 'default:D pageLoad:D update:G+id Buy:G+id',
    stored: 'tag choice',
  },
  'any case and booleans are understood': {
    consent: '{}',
    steps: [READY, "uetkit('consent',' GRANTED ')", "uetkit('consent',false)", "uetkit('consent',true)"],
    sent: 'default:D pageLoad:D update:G+id update:D update:G+id',
    stored: 'tag choice',
  },
  'an odd answer changes nothing': {
    consent: "{default:'granted'}",
    steps: [READY, "uetkit('consent','nope')", BUY],
    sent: 'default:G+id pageLoad:G+id Buy:G+id',
    stored: 'tag',
    warned: "consent() takes 'granted' or 'denied'",
  },
  'withdrawing deletes what we and the tag stored': {
    consent: '{}',
    at: `/?msclkid=${CLICK}`,
    options: `relay:{url:'${RELAY}'}`,
    steps: [READY, YES, BUY, NO, BUY],
    sent: 'default:D pageLoad:D update:G+id+click Buy:G+id+click update:D Buy:D',
    relayed: 'consent',
  },
  'withdrawing, then granting again': {
    consent: '{}',
    at: `/?msclkid=${CLICK}`,
    steps: [READY, YES, NO, YES, BUY],
    sent: 'default:D pageLoad:D update:G+id+click update:D update:G+id+click Buy:G+id+click',
    stored: 'tag tagclick choice click',
    state: 'granted api',
  },
  'withdrawing takes the user id that the site gave to the tag, until a new grant': {
    consent: "{default:'granted'}",
    had: ['_uetuid=user-1'],
    steps: [READY, NO, BUY, YES, BUY, CLEAR('_uetuid')],
    sent: 'default:G+id+uid pageLoad:G+id+uid update:D Buy:D update:G+id+uid Buy:G+id+uid',
    stored: 'tag choice',
  },
  'withdrawing a granted default': {
    consent: "{default:'granted'}",
    steps: [READY, NO, BUY],
    sent: 'default:G+id pageLoad:G+id update:D Buy:D',
    state: 'denied api',
  },
  'a refusal deletes what an earlier page left': {
    consent: '{}',
    had: ['_uetvid=0123456789abcdef0123456789abcdef', `_uetmsclkid=_uet${CLICK}`, '_uetsid_exp=x'],
    steps: [READY, NO, BUY],
    sent: 'default:D pageLoad:D Buy:D',
  },
  'many changes while a slow script loads are as many pings': {
    consent: '{}',
    tag: { delayMs: 5000 },
    steps: [BUY, YES, NO, YES, NO, YES],
    sent: 'default:D update:G+id update:D update:G+id update:D update:G+id pageLoad:G+id Buy:G+id',
    stored: 'tag choice',
  },
  'a withdrawal while the script loads': {
    consent: "{default:'granted'}",
    at: `/?msclkid=${CLICK}`,
    tag: { delayMs: 1000 },
    steps: [BUY, NO],
    sent: 'default:D update:D pageLoad:D Buy:D',
  },
  'a withdrawal while the tag waits for its container': {
    consent: "{default:'granted'}",
    containerMs: 700,
    steps: [
      ({ page }) => page.waitForFunction('window.UET && !Array.isArray(uetq)'),
      "uetkit('identify','u',{email:'a@b.example'})",
      ({ page }) => page.waitForFunction('uetq.evq && true'),
      BUY,
      NO,
    ],
    sent: 'default:D update:D pageLoad:D Buy:D',
  },
  'a blocked script leaves nothing behind but the choice': {
    consent: '{}',
    tag: 'network-error',
    steps: [YES, BUY],
    sent: '',
    stored: 'choice',
    state: 'granted api',
  },
})

group('basic mode', {
  'requests nothing before the grant': { consent: "{load:'basic'}", steps: [BUY, NO, BUY], sent: '' },
  'starts with the grant': {
    consent: "{load:'basic'}",
    steps: [BUY, YES],
    sent: 'default:D update:G+id pageLoad:G+id Buy:G+id',
    stored: 'tag choice',
  },
  'sends nothing of the time of a refusal with a later grant': {
    consent: "{load:'basic'}",
    steps: [BUY, NO, BUY, YES, BUY],
    sent: 'default:D update:G+id pageLoad:G+id Buy:G+id',
    stored: 'tag choice',
  },
  'starts at once where the grant is known': {
    consent: "{load:'basic'}",
    had: [`_uetkit=g${TODAY}`],
    sent: 'default:G+id pageLoad:G+id',
    stored: 'tag choice',
  },
  'goes on as denied after a withdrawal': {
    consent: "{load:'basic',default:'granted'}",
    steps: [READY, NO, BUY],
    sent: 'default:G+id pageLoad:G+id update:D Buy:D',
  },
})

group('the stored choice', {
  'is used at the start of the next page': {
    consent: '{}',
    steps: [READY, YES, visit('/next'), BUY],
    sent: 'default:D pageLoad:D update:G+id default:G+id pageLoad:G+id Buy:G+id',
    stored: 'tag choice',
    state: 'granted stored',
  },
  'is gone after a withdrawal': {
    consent: '{}',
    steps: [READY, YES, NO, visit('/next')],
    sent: 'default:D pageLoad:D update:G+id update:D default:D pageLoad:D',
    state: 'denied default',
  },
  'counts for half a year': {
    consent: '{}',
    had: [`_uetkit=g${TODAY - 181}`],
    sent: 'default:D pageLoad:D',
    stored: 'choice',
  },
  'is not taken from odd text': {
    consent: '{}',
    had: ['_uetkit=granted'],
    sent: 'default:D pageLoad:D',
    stored: 'choice',
  },
  'that the visitor clears counts as withdrawn at the next call': {
    consent: '{}',
    steps: [READY, YES, ({ context }) => context.clearCookies(), BUY],
    sent: 'default:D pageLoad:D update:G+id update:D Buy:D',
    state: 'denied stored',
  },
  'is not made of a grant that nobody gave': {
    consent: "{default:'granted'}",
    steps: [READY, visit('/next')],
    sent: 'default:G+id pageLoad:G+id default:G+id pageLoad:G+id',
    stored: 'tag',
    state: 'granted default',
  },
})

group('Global Privacy Control', {
  'denies against a granted default': {
    consent: "{default:'granted'}",
    before: GPC,
    steps: [BUY],
    sent: 'default:D pageLoad:D Buy:D',
    state: 'denied gpc',
  },
  'holds against categories': {
    consent: "{category:'Ads'}",
    before: GPC,
    steps: [READY, stamped('{Ads:true}')],
    sent: 'default:D pageLoad:D Buy:D',
  },
  'ends with an explicit grant, for the next page too': {
    consent: '{}',
    before: GPC,
    steps: [READY, YES, BUY, visit('/next')],
    sent: 'default:D pageLoad:D update:G+id Buy:G+id default:G+id pageLoad:G+id',
    stored: 'tag choice',
  },
  'stays lifted when a tool repeats the grant': {
    consent: "{category:'Ads'}",
    before: GPC,
    steps: [READY, YES, stamped('{Ads:true}'), visit('/next')],
    sent: 'default:D pageLoad:D update:G+id Buy:G+id default:G+id pageLoad:G+id',
    stored: 'tag choice',
  },
  'holds against a grant that a tool had stored before': {
    consent: '{}',
    before: GPC,
    had: [`_uetkit=g${TODAY}`],
    sent: 'default:D pageLoad:D',
    state: 'denied gpc',
  },
  'may be left out of it': {
    consent: "{default:'granted',gpc:false}",
    before: GPC,
    sent: 'default:G+id pageLoad:G+id',
    stored: 'tag',
  },
})

group('categories and properties', {
  'a category grants, before the event itself': {
    consent: "{category:'Ads'}",
    steps: [READY, stamped('{Ads:true}')],
    sent: 'default:D pageLoad:D update:G+id Buy:G+id',
    stored: 'tag choice',
    state: 'granted category',
  },
  'and takes away again': {
    consent: "{category:'Ads'}",
    steps: [READY, stamped('{Ads:true}'), stamped('{Ads:false}')],
    sent: 'default:D pageLoad:D update:G+id Buy:G+id update:D Buy:D',
  },
  'a renamed or missing category denies': {
    consent: "{category:'Ads'}",
    steps: [READY, stamped('{Ads:true}'), stamped('{Advertising:true}')],
    sent: 'default:D pageLoad:D update:G+id Buy:G+id update:D Buy:D',
  },
  'no information changes nothing': {
    consent: "{category:'Ads'}",
    steps: [READY, stamped('{Ads:true}'), BUY, stamped("{Ads:'yes'}"), stamped('undefined'), stamped('null')],
    sent: 'default:D pageLoad:D update:G+id Buy:G+id Buy:G+id Buy:G+id Buy:G+id Buy:G+id',
    stored: 'tag choice',
  },
  'several categories are all needed': {
    consent: "{category:['Ads','Personal']}",
    steps: [READY, stamped('{Ads:true,Personal:false}'), stamped('{Ads:true,Personal:true}')],
    sent: 'default:D pageLoad:D Buy:D update:G+id Buy:G+id',
    stored: 'tag choice',
  },
  'a category on page() decides before the first page load': {
    consent: "{category:'Ads'}",
    attributes: 'data-auto-page="false"',
    tag: { delayMs: 200 },
    steps: ["uetkit('page',{},{consent:{categoryPreferences:{Ads:true}}})"],
    sent: 'default:D update:G+id pageLoad:G+id',
    stored: 'tag choice',
  },
  'preferences without an event count as well': {
    consent: "{category:'Ads'}",
    steps: [READY, "uetkit('consent',{categoryPreferences:{Ads:true}})"],
    sent: 'default:D pageLoad:D update:G+id',
    stored: 'tag choice',
    state: 'granted category',
  },
  'a property grants and takes away': {
    consent: "{property:'consent.ads'}",
    steps: [
      READY,
      "uetkit('track','Buy',{consent:{ads:' Granted '}})",
      "uetkit('track','Buy',{consent:{ads:'denied'}})",
      "uetkit('track','Buy',{consent:{ads:true}})",
    ],
    sent: 'default:D pageLoad:D update:G+id Buy:G+id update:D Buy:D update:G+id Buy:G+id',
    stored: 'tag choice',
    state: 'granted property',
  },
  'a property on page() grants and takes away': {
    consent: "{property:'ads'}",
    steps: [READY, "uetkit('page',{ads:true,path:'/a'})", "uetkit('page',{ads:false,path:'/b'})"],
    sent: 'default:D pageLoad:D update:G+id pageLoad:G+id update:D pageLoad:D',
    state: 'denied property',
  },
  'an odd property is no signal': {
    consent: "{property:'ads',default:'granted'}",
    steps: [READY, "uetkit('track','Buy',{ads:'no'})", "uetkit('track','Buy',{ads:0})", BUY],
    sent: 'default:G+id pageLoad:G+id Buy:G+id Buy:G+id Buy:G+id',
    stored: 'tag',
  },
  'of two signals on one event the stricter counts': {
    consent: "{property:'ads',category:'Ads'}",
    steps: [
      READY,
      stamped('{Ads:true}', '{ads:false}'),
      stamped('{Ads:false}', '{ads:true}'),
      stamped('{Ads:true}', '{ads:1}'),
    ],
    sent: 'default:D pageLoad:D Buy:D Buy:D update:G+id Buy:G+id',
    stored: 'tag choice',
  },
})

group('sources', {
  'OneTrust: the stored choice is used at start': {
    consent: "{sources:'oneTrust',category:'C0004'}",
    sources: true,
    had: ['OptanonConsent=groups%3DC0001%3A1%2CC0004%3A1'],
    steps: [BUY, CLEAR('OptanonConsent')],
    sent: 'default:G+id pageLoad:G+id Buy:G+id',
    stored: 'tag choice',
    state: 'granted oneTrust',
  },
  'OneTrust: a refusal there beats our stored grant': {
    consent: "{sources:'oneTrust',category:'C0004'}",
    sources: true,
    had: [`_uetkit=g${TODAY}`, '_uetvid=0123456789abcdef0123456789abcdef'],
    before: "window.OnetrustActiveGroups=',C0001,'",
    sent: 'default:D pageLoad:D',
    state: 'denied oneTrust',
  },
  'OneTrust: changes are followed': {
    consent: "{sources:'oneTrust',category:'C0004'}",
    sources: true,
    steps: [
      READY,
      "dispatchEvent(new CustomEvent('OneTrustGroupsUpdated',{detail:['C0001','C0004']}))",
      "OnetrustActiveGroups=',C0001,C0004,';OptanonWrapper()",
      BUY,
      "OnetrustActiveGroups=',C0001,';OptanonWrapper()",
    ],
    sent: 'default:D pageLoad:D update:G+id Buy:G+id update:D',
  },
  'Cookiebot: no consent needed here': {
    consent: "{sources:'cookiebot'}",
    sources: true,
    had: ['CookieConsent=-1'],
    steps: [BUY, CLEAR('CookieConsent')],
    sent: 'default:G+id pageLoad:G+id Buy:G+id',
    stored: 'tag choice',
  },
  'Cookiebot: accept and decline': {
    consent: "{sources:'cookiebot'}",
    sources: true,
    before: 'window.Cookiebot={consent:{marketing:false},hasResponse:false}',
    steps: [
      READY,
      "Cookiebot.consent.marketing=true;dispatchEvent(new Event('CookiebotOnAccept'))",
      "dispatchEvent(new Event('CookiebotOnConsentReady'))",
      "Cookiebot.consent.marketing=false;dispatchEvent(new Event('CookiebotOnDecline'))",
    ],
    sent: 'default:D pageLoad:D update:G+id update:D',
    state: 'denied cookiebot',
  },
  'Google: an update is an answer': {
    consent: "{sources:'googleConsentMode'}",
    sources: true,
    head: `<script>dataLayer=[];function gtag(){dataLayer.push(arguments)};gtag('consent','default',{ad_storage:'denied'})</script>`,
    steps: [
      READY,
      "gtag('consent','update',{ad_storage:'granted'})",
      BUY,
      "gtag('consent','update',{ad_storage:'denied'})",
    ],
    sent: 'default:D pageLoad:D update:G+id Buy:G+id update:D',
    state: 'denied googleConsentMode',
  },
  'Google: its default on each page does not undo the stored answer': {
    consent: "{sources:'googleConsentMode'}",
    sources: true,
    had: [`_uetkit=g${TODAY}`],
    head: `<script>dataLayer=[['consent','default',{ad_storage:'denied'}]]</script>`,
    steps: [READY, "dataLayer.push(['consent','update',{ad_storage:'granted'}])", BUY],
    sent: 'default:G+id pageLoad:G+id Buy:G+id',
    stored: 'tag choice',
  },
  'Google: a default that the page states after the answer does not undo it': {
    consent: "{sources:'googleConsentMode'}",
    sources: true,
    before:
      "window.dataLayer=[['consent','update',{ad_storage:'granted'}],['consent','default',{ad_storage:'denied'}]]",
    sent: 'default:G+id pageLoad:G+id',
    stored: 'tag choice',
  },
  'Google: its default counts before ours': {
    consent: "{sources:'googleConsentMode',default:'granted'}",
    sources: true,
    before: 'window.google_tag_data={ics:{entries:{ad_storage:{default:false}}}}',
    sent: 'default:D pageLoad:D',
    state: 'denied googleConsentMode',
  },
  'of two sources at the start the stricter counts': {
    consent: "{sources:['cookiebot','oneTrust'],category:'C0004'}",
    sources: true,
    before: "window.Cookiebot={consent:{marketing:false},hasResponse:true};window.OnetrustActiveGroups=',C0004,'",
    sent: 'default:D pageLoad:D',
    state: 'denied cookiebot',
  },
  'a source of the page’s own': {
    consent: "{sources:[{name:'mine',subscribe(report){window.report=report;report('granted');return()=>{}}}]}",
    steps: [BUY, "report('nonsense')", "report('DENIED')"],
    tag: { delayMs: 200 },
    sent: 'default:D update:D pageLoad:D Buy:D',
    state: 'denied mine',
  },
  'a source that throws': {
    consent: "{sources:[{name:'bad',subscribe(){throw 1}},null]}",
    steps: [BUY],
    sent: 'default:D pageLoad:D Buy:D',
  },
})
