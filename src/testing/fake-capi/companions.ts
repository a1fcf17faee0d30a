import { isObject, parseJson } from './json.ts'

/** What an ID-sync image told Microsoft. https://learn.microsoft.com/en-us/advertising/guides/uet-conversion-api-integration */
export interface IdSync {
  /** `BACID_` and the customer id. */
  Red3: string
  VID: string
  UID?: string
}

interface Incoming {
  method: string
  headers: Record<string, string>
  body: string
}

// One transparent pixel.
const GIF = Uint8Array.from(atob('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7'), (char) =>
  char.charCodeAt(0),
)

/** The neighbours of the events endpoint: the ID-sync image, and the operation that gives a tag's token. */
export function answerCompanion(
  request: Incoming,
  path: string,
  query: URLSearchParams,
  tags: Record<string, string>,
  idSyncs: IdSync[],
): Response | undefined {
  if (path === '/c.gif' && request.method === 'GET') {
    const find = (name: string) => [...query].find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1]
    const UID = find('UID')
    idSyncs.push({ Red3: find('Red3') ?? '', VID: find('VID') ?? '', ...(UID !== undefined && { UID }) })
    return new Response(GIF, { headers: { 'content-type': 'image/gif' } })
  }
  if (path === '/CampaignManagement/v13/UetTagAuthKey/Query' && request.method === 'POST') {
    const needed = ['authorization', 'developertoken', 'customerid', 'customeraccountid']
    if (!needed.every((name) => request.headers[name])) return new Response(null, { status: 401 })
    const body = parseJson(request.body)
    const tagId = `${isObject(body) ? body.UetTagId : ''}`
    const key = Object.hasOwn(tags, tagId) ? tags[tagId] : undefined
    const errors = key === undefined ? [{ Code: 5300, ErrorCode: 'InvalidUetTagId', Index: 0 }] : []
    return Response.json({ UetTagAuthKey: key ?? null, PartialErrors: errors })
  }
  return undefined
}
