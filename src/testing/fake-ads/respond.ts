import { newId } from './state.ts'

/** Escaped as Microsoft's servers do it. */
const ascii = (json: string): string =>
  json.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

export function jsonResponse(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  const tracking = newId()
  return new Response(ascii(JSON.stringify(body)), {
    status,
    headers: {
      'Content-Type': 'application/json; charset=utf-8',
      Server: 'Kestrel',
      TrackingId: tracking,
      'X-MS-TrackingId': tracking,
      'X-MS-RequestId': tracking,
      ...headers,
    },
  })
}

export type VendorError = readonly [code: number, errorCode: string]

/** https://learn.microsoft.com/en-us/advertising/guides/operation-error-codes */
export const ERRORS = {
  internal: [0, 'InternalError'],
  invalidCredentials: [105, 'InvalidCredentials'],
  notAuthorized: [106, 'UserIsNotAuthorized'],
  tokenExpired: [109, 'AuthenticationTokenExpired'],
  missingHeaders: [116, 'RequestMissingHeaders'],
  callRate: [117, 'CallRateExceeded'],
  validation: [201, 'ApiInputValidationError'],
  nullParameter: [203, 'NullParameter'],
  notSupported: [204, 'OperationNotSupported'],
  nullArray: [206, 'NullArrayArgument'],
  readOnly: [1010, 'CampaignServiceSystemInReadOnlyMode'],
  invalidAccount: [1102, 'CampaignServiceInvalidAccountId'],
  invalidCustomer: [1490, 'CampaignServiceInvalidCustomerId'],
  uploadUrl: [3220, 'BulkServiceInvalidBulkUploadUrl'],
  noFile: [3221, 'BulkServiceNoFileFound'],
  manyFiles: [3222, 'BulkServiceMultipleFilesFound'],
  fileExtension: [3223, 'BulkServiceInvalidFileExtension'],
  urlUsed: [3224, 'BulkServiceUrlAlreadyUsedForUpload'],
  urlExpired: [3226, 'BulkServiceUrlExpired'],
  rowFailed: [4200, 'BulkServiceBatchOperationFailedForItems'],
  requestId: [4201, 'BulkServiceInvalidRequestId'],
  unknownRow: [4203, 'BulkServiceUnknownTypeForRow'],
  uploadsAtOnce: [4204, 'BulkServiceNoMoreCallsPermittedForTheTimePeriod'],
  listId: [4835, 'InvalidAudienceId'],
  name: [4838, 'InvalidAudienceName'],
  description: [4841, 'InvalidAudienceDescription'],
  duration: [4842, 'InvalidAudienceMembershipDuration'],
  parentMismatch: [4843, 'AudienceParentIdDoesNotMatchScope'],
  tooMany: [4846, 'AudienceIdsArrayExceedsLimit'],
  idOnAdd: [4847, 'AudienceIdShouldBeNullOnAdd'],
  parentId: [4848, 'InvalidAudienceParentId'],
  scope: [4849, 'InvalidAudienceScope'],
  noAudiences: [4850, 'AudiencesNotPassed'],
  duplicateName: [4853, 'DuplicateAudienceName'],
  associated: [4854, 'AudienceCannotBeDeletedDueToExistingAdGroupCriterion'],
  narrowScope: [4855, 'AudienceCanNotChangeScopeOnUpdate'],
  audienceType: [4859, 'InvalidAudienceType'],
  customerListId: [8000, 'InvalidCustomerListId'],
  action: [8001, 'InvalidCustomerListActionType'],
  subType: [8002, 'CustomerListItemSubTypeNotSupported'],
  terms: [8003, 'CustomerListTermsAndConditionsNotAccepted'],
  notHashed: [8004, 'EmailMustBeHashed'],
} as const satisfies Record<string, VendorError>

/** A `BatchError`; `index` is null where the error concerns no single item. */
export const batchError = ([Code, ErrorCode]: VendorError, Index: number | null, value = '') => ({
  Code,
  Details: value ? `Value: ${value}` : null,
  ErrorCode,
  FieldPath: value ? `Items[${Index}]=${value}` : null,
  ForwardCompatibilityMap: [],
  Index,
  Message: `The request failed: ${ErrorCode}. ${value}`,
  Type: 'BatchError',
})

/** Authentication, throttling, system. */
export const adFault = (error: VendorError, status: number, headers?: Record<string, string>): Response =>
  jsonResponse(
    {
      Errors: [{ Code: error[0], Detail: null, ErrorCode: error[1], Message: `Fault: ${error[1]}` }],
      TrackingId: newId(),
      Type: 'AdApiFaultDetail',
    },
    status,
    headers,
  )

/** Validation of the whole request. */
export const apiFault = (error: VendorError, status: number, as: 'batch' | 'operation' = 'operation'): Response =>
  jsonResponse(
    {
      BatchErrors: as === 'batch' ? [batchError(error, 0)] : [],
      OperationErrors:
        as === 'operation'
          ? [{ Code: error[0], Details: null, ErrorCode: error[1], Message: `Fault: ${error[1]}` }]
          : [],
      TrackingId: newId(),
      Type: 'ApiFaultDetail',
    },
    status,
  )
