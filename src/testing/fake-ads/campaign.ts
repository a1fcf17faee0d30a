import { apiFault, batchError, ERRORS, jsonResponse, type VendorError } from './respond.ts'
import { type FakeAdsList, type FakeAdsState, HOUR, isWaiting, type ListAction } from './state.ts'

type Body = Record<string, unknown>

const isText = (value: unknown): value is string => typeof value === 'string'
const MAX_PER_CALL = 100
const ITEMS_PER_CALL = 1_000
const SHA256 = /^[0-9a-f]{64}$/

const idText = (value: unknown): string => (isText(value) || Number.isSafeInteger(value) ? `${value}` : '')

export function addAudiences(state: FakeAdsState, body: Body): Response {
  const { validation } = state.options.statuses
  const audiences = body.Audiences
  if (!Array.isArray(audiences) || !audiences.length) return apiFault(ERRORS.noAudiences, validation, 'batch')
  if (audiences.length > MAX_PER_CALL) return apiFault(ERRORS.tooMany, validation, 'batch')
  const errors: unknown[] = []
  const ids = audiences.map((audience: Body, index) => {
    const problem = audienceProblem(state, audience)
    if (problem) errors.push(batchError(problem, index))
    return problem ? null : create(state, audience).id
  })
  return jsonResponse({ AudienceIds: ids, PartialErrors: errors })
}

function audienceProblem(state: FakeAdsState, audience: Body): VendorError | undefined {
  const { Type, Id, Name, Description, Scope = 'Customer', ParentId, MembershipDuration = 30 } = audience
  const { customerId, accountId } = state.options
  if (Type !== 'CustomerList') return ERRORS.audienceType
  if (Id !== undefined && Id !== null) return ERRORS.idOnAdd
  if (!isText(Name) || !Name.trim() || Name.length > 128) return ERRORS.name
  if (Description !== undefined && (!isText(Description) || Description.length > 1_024)) return ERRORS.description
  if (Scope !== 'Customer' && Scope !== 'Account') return ERRORS.scope
  const parent = ParentId === undefined ? undefined : idText(ParentId)
  if (parent !== undefined && parent !== customerId && parent !== accountId) return ERRORS.parentId
  if (parent !== undefined && parent !== (Scope === 'Customer' ? customerId : accountId)) return ERRORS.parentMismatch
  const duration = MembershipDuration as number
  if (!Number.isInteger(duration) || (duration !== -1 && (duration < 1 || duration > 390))) return ERRORS.duration
  if ([...state.lists.values()].some(({ name }) => name === Name)) return ERRORS.duplicateName
  return undefined
}

function create(state: FakeAdsState, audience: Body): FakeAdsList {
  const scope = (audience.Scope ?? 'Customer') as FakeAdsList['scope']
  const list: FakeAdsList = {
    id: `${state.nextList++}`,
    name: audience.Name as string,
    description: (audience.Description as string | undefined) ?? null,
    scope,
    parentId: scope === 'Customer' ? state.options.customerId : state.options.accountId,
    membershipDuration: (audience.MembershipDuration as number | undefined) ?? 30,
    members: new Set(),
    createdAt: state.now(),
    associated: false,
  }
  state.lists.set(list.id, list)
  return list
}

/** Two days pass before there are sizes; a share of the members is known to Microsoft. */
function sizes(state: FakeAdsState, list: FakeAdsList) {
  const ready = state.now() - list.createdAt >= 48 * HOUR
  const share = (part: number) => (ready ? `${Math.floor(list.members.size * part)}` : null)
  return { SearchSize: share(0.6), AudienceNetworkSize: share(0.5) }
}

const shown = (state: FakeAdsState, list: FakeAdsList) => ({
  Type: 'CustomerList',
  Id: list.id,
  Name: list.name,
  Description: list.description,
  ParentId: list.parentId,
  Scope: list.scope,
  MembershipDuration: list.membershipDuration,
  ...sizes(state, list),
  SupportedCampaignTypes: ['Search'],
  CustomerShare: null,
  ForwardCompatibilityMap: [],
})

export function queryAudiences(state: FakeAdsState, body: Body): Response {
  const { validation } = state.options.statuses
  if (body.Type !== 'CustomerList') return apiFault(ERRORS.nullParameter, validation)
  if (body.AudienceIds === undefined || body.AudienceIds === null) {
    return jsonResponse({ Audiences: [...state.lists.values()].map((list) => shown(state, list)), PartialErrors: [] })
  }
  const ids = body.AudienceIds
  if (!Array.isArray(ids) || !ids.length) return apiFault(ERRORS.nullArray, validation)
  if (ids.length > MAX_PER_CALL) return apiFault(ERRORS.tooMany, validation, 'batch')
  const found = ids.map((id) => state.lists.get(idText(id)))
  const errors = found.flatMap((list, index) => (list ? [] : batchError(ERRORS.listId, index)))
  return jsonResponse({ Audiences: found.map((list) => (list ? shown(state, list) : null)), PartialErrors: errors })
}

export function updateAudiences(state: FakeAdsState, body: Body): Response {
  const audiences = Array.isArray(body.Audiences) ? (body.Audiences as Body[]) : []
  if (!audiences.length) return apiFault(ERRORS.noAudiences, state.options.statuses.validation, 'batch')
  const errors = audiences.flatMap((audience, index) => {
    const list = state.lists.get(idText(audience.Id))
    if (!list) return batchError(ERRORS.listId, index)
    if (audience.Scope === 'Account' && list.scope === 'Customer') return batchError(ERRORS.narrowScope, index)
    if (isText(audience.Name)) list.name = audience.Name
    if (isText(audience.Description)) list.description = audience.Description
    return []
  })
  return jsonResponse({ PartialErrors: errors })
}

export function deleteAudiences(state: FakeAdsState, body: Body): Response {
  const ids = Array.isArray(body.AudienceIds) ? body.AudienceIds : []
  if (!ids.length) return apiFault(ERRORS.nullArray, state.options.statuses.validation)
  const errors = ids.flatMap((id, index) => {
    const list = state.lists.get(idText(id))
    if (!list) return batchError(ERRORS.listId, index)
    if (list.associated) return batchError(ERRORS.associated, index)
    state.lists.delete(list.id)
    return []
  })
  return jsonResponse({ PartialErrors: errors })
}

/** Why a whole call or file is refused: the list, the action, the kind of identifier or the terms. */
export function listProblem(
  state: FakeAdsState,
  { list, action, subType, terms }: { list: unknown; action: unknown; subType?: unknown; terms: boolean | undefined },
): VendorError | undefined {
  if (!list) return ERRORS.customerListId
  if (action !== 'Add' && action !== 'Remove' && action !== 'Replace') return ERRORS.action
  if (subType !== undefined && subType !== 'Email') return ERRORS.subType
  if (terms === false || (terms === undefined && !state.options.termsAccepted)) return ERRORS.terms
  return undefined
}

/** `without` = places of items that fail for another reason; one that no item has fails them all. */
export function applyItems(state: FakeAdsState, body: Body, without: readonly (number | null)[] = []): Response {
  const { validation } = state.options.statuses
  const data = body.CustomerListUserData as Body | undefined
  if (!data) return apiFault(ERRORS.nullParameter, validation)
  const { AudienceId, ActionType, CustomerListItemSubType, CustomerListItems: items, AcceptCustomerMatchTerm } = data
  if (!Array.isArray(items) || !items.length) return apiFault(ERRORS.nullArray, validation)
  if (items.length > ITEMS_PER_CALL) return apiFault(ERRORS.validation, validation)
  const list = state.lists.get(idText(AudienceId))
  const problem = listProblem(state, {
    list,
    action: ActionType,
    subType: CustomerListItemSubType ?? '',
    terms: AcceptCustomerMatchTerm as boolean | undefined,
  })
  if (problem) {
    return state.options.callErrors === 'fault'
      ? apiFault(problem, validation, 'batch')
      : jsonResponse({ PartialErrors: [batchError(problem, 0)] })
  }
  if (isWaiting(state, list!.id))
    state.violations.push('ApplyCustomerListUserData while a file for the list is at work')
  if (new Set(items).size < items.length) state.violations.push('the same hash twice in one call')
  const whole = without.some((index) => index === null || !(index in items))
  const applied = whole ? [] : items.filter((_, index) => !without.includes(index))
  return jsonResponse({ PartialErrors: applyAll(list!, ActionType as ListAction, applied) })
}

/** Applies what is hashed and answers errors for the rest, which echo the value and come in no order. */
function applyAll(list: FakeAdsList, action: ListAction, items: unknown[]): unknown[] {
  const good = items.filter((item): item is string => isText(item) && SHA256.test(item))
  change(list, action, good)
  const bad = items.flatMap((item, index) => (isText(item) && SHA256.test(item) ? [] : { item, index }))
  return bad.map(({ item, index }) => batchError(ERRORS.notHashed, index, `${item}`)).reverse()
}

export function change(list: FakeAdsList, action: ListAction, hashes: Iterable<string>): void {
  if (action === 'Replace') list.members.clear()
  for (const hash of hashes) {
    if (action === 'Remove') list.members.delete(hash)
    else list.members.add(hash)
  }
}

export const isHash = (text: string): boolean => SHA256.test(text)
