import { AudienceError, type AudienceErrorCode } from '../errors.ts'

/** One error of Microsoft's, in whichever envelope it came. */
export interface VendorFault {
  code: number
  /** Microsoft's name for it, such as `EmailMustBeHashed`; `Error 8004` where there is none. */
  name: string
  /** The item that it concerns, where it concerns one. */
  index: number | undefined
}

/** What to do about an error. */
export type FaultAction =
  /** Once more, a little later. */
  | 'retry'
  /** The call rate is used up: wait as told. */
  | 'throttled'
  /** Too many uploads, or no writing at the moment: wait for minutes. */
  | 'busy'
  /** The access token is no longer good. */
  | 'refresh'
  /** The list is not there. */
  | 'gone'
  | 'terms'
  | 'duplicate_name'
  /** Nothing helps but a person. */
  | 'stop'

const WRONG_SIGN_IN =
  'The sign-in, the developer token and the environment (production or sandbox) have to belong together, and the account has to be active.'
const ANOTHER_PERSON = 'Sign in with an account that may use Microsoft Advertising: run "uetkit audience login".'
const WRONG_IDS =
  'credentials.customerId is "cid" and credentials.accountId is "aid" in the address of ads.microsoft.com; the account number of eight characters is neither.'
const QUOTA = 'Delete lists that are no longer used.'

/** https://learn.microsoft.com/en-us/advertising/guides/operation-error-codes */
const KNOWN: Readonly<Record<number, readonly [FaultAction, string?]>> = {
  0: ['retry', 'An error inside Microsoft Advertising. Try again later.'],
  105: ['refresh', WRONG_SIGN_IN],
  106: [
    'stop',
    'The signed-in user may not do this on the account; a Viewer cannot write. Ask an administrator for rights.',
  ],
  108: ['stop', ANOTHER_PERSON],
  109: ['refresh', ANOTHER_PERSON],
  116: ['stop', WRONG_IDS],
  117: ['throttled', 'The call rate of this user or customer is used up. Try again later.'],
  120: ['stop', ANOTHER_PERSON],
  122: ['stop', ANOTHER_PERSON],
  123: ['stop', ANOTHER_PERSON],
  124: ['stop', ANOTHER_PERSON],
  125: ['stop', ANOTHER_PERSON],
  126: ['stop', ANOTHER_PERSON],
  208: ['stop', WRONG_IDS],
  1009: ['stop', WRONG_IDS],
  1010: ['busy', 'Microsoft Advertising takes no changes at the moment. Try again later.'],
  1011: [
    'stop',
    'Microsoft does not say more; the account may not have the feature. Ask Microsoft for access to customer match.',
  ],
  1029: ['stop', WRONG_IDS],
  1030: ['stop', WRONG_IDS],
  1102: ['stop', WRONG_IDS],
  1490: ['stop', WRONG_IDS],
  3227: ['busy', 'Too many uploads at one time. Try again later.'],
  4200: ['retry'],
  4204: ['busy', 'Too many uploads at one time. Try again later.'],
  4835: ['gone'],
  4843: ['stop', WRONG_IDS],
  4848: ['stop', WRONG_IDS],
  4853: ['duplicate_name'],
  4861: ['gone'],
  4865: ['stop', QUOTA],
  4866: ['stop', QUOTA],
  8000: ['gone'],
  8003: ['terms'],
}

/** Errors about a whole call, wherever they stand: some come with the index 0, as if they concerned the first item. */
const WHOLE_CALL = new Set([4835, 4861, 8000, 8001, 8002, 8003])

export const actionOf = ({ code }: VendorFault): FaultAction => KNOWN[code]?.[0] ?? 'stop'

/** Whether an error of a call with this many items concerns one of them alone. */
export const concernsItem = ({ code, index }: VendorFault, items: number): boolean =>
  index !== undefined && index >= 0 && index < items && !WHOLE_CALL.has(code)

/** The errors of a body, from `PartialErrors`, `Errors`, `BatchErrors`, `OperationErrors` or a flat upload answer. */
export function readFaults(body: unknown): VendorFault[] {
  if (typeof body !== 'object' || body === null) return []
  const { PartialErrors, Errors, BatchErrors, OperationErrors, Code, ErrorCode } = body as Record<string, unknown>
  const lists = [PartialErrors, Errors, BatchErrors, OperationErrors].filter((list) => Array.isArray(list)).flat()
  const flat = Code === undefined ? [] : [{ Code, ErrorCode }]
  return [...lists, ...flat].flatMap((error) => (typeof error === 'object' && error !== null ? readFault(error) : []))
}

function readFault({ Code, ErrorCode, Index }: { Code?: unknown; ErrorCode?: unknown; Index?: unknown }): VendorFault {
  const code = Number(Code ?? -1)
  return { code, name: faultName(code, ErrorCode), index: typeof Index === 'number' ? Index : undefined }
}

/** Only a plain name is repeated: other texts of Microsoft's can echo the identifier that they are about. */
export const faultName = (code: number, name: unknown): string =>
  typeof name === 'string' && /^[A-Za-z]\w{0,79}$/.test(name) ? name : `Error ${code}`

/** Whether this is one of the fault envelopes, which may come with any status. */
export const isFaultBody = (body: unknown): boolean =>
  /^(?:AdApiFaultDetail|ApiFaultDetail)$/.test(`${(body as { Type?: unknown } | null)?.Type}`)

const TERMS =
  'The terms of customer match have not been accepted. Either accept them in Microsoft Advertising (Tools > Audiences > Create > Customer match list, upload any small file, accept), or read them and set "acceptCustomerMatchTerms": true, which accepts them with every call.'

/** A call that Microsoft refused, or that brought no answer. */
export class AdsError extends AudienceError {
  readonly action: FaultAction
  readonly vendorCode: number | undefined
  /** It may have taken effect all the same. */
  ambiguous: boolean

  constructor(code: AudienceErrorCode, message: string, action: FaultAction, vendorCode?: number, ambiguous = false) {
    super(code, message)
    this.action = action
    this.vendorCode = vendorCode
    this.ambiguous = ambiguous
  }
}

const ERROR_CODES: Partial<Record<FaultAction, AudienceErrorCode>> = {
  refresh: 'sign_in',
  gone: 'list_gone',
  terms: 'terms',
  duplicate_name: 'list_exists',
}

/** `where` = the operation; `trackingId` is what Microsoft's support asks for. */
export function faultError(where: string, fault: VendorFault, trackingId?: string | undefined): AdsError {
  const action = actionOf(fault)
  const remedy = action === 'terms' ? TERMS : (KNOWN[fault.code]?.[1] ?? '')
  const tracking = trackingId && /^[\w-]{1,64}$/.test(trackingId) ? `(tracking id ${trackingId})` : ''
  const text = [`${where}: Microsoft answered ${fault.name} (${fault.code}).`, remedy, tracking]
    .filter(Boolean)
    .join(' ')
  return new AdsError(ERROR_CODES[action] ?? 'microsoft', text, action, fault.code, fault.code === 0)
}

/** No usable answer: the request may have taken effect. */
export const unanswered = (where: string, what: string): AdsError =>
  new AdsError(
    'network',
    `${where}: ${what} Try again later; the next run goes on from here.`,
    'retry',
    undefined,
    true,
  )
