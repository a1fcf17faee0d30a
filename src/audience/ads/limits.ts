/**
 * Microsoft's figures for customer lists.
 * https://learn.microsoft.com/en-us/advertising/campaign-management-service/applycustomerlistuserdata
 * https://learn.microsoft.com/en-us/advertising/guides/bulk-download-upload
 */
export const LIMITS = {
  /** Items in one ApplyCustomerListUserData call. */
  itemsPerCall: 1_000,
  /**
   * Rows in one bulk file: 4 million and 100 MB are allowed. Hashes hardly shrink, so the bytes bind first, and whether
   * they count before or after zipping is not said; this many rows fit either way.
   */
  bulkRows: 800_000,
  /** The sandbox takes 20,000 rows, header rows included. */
  sandboxBulkRows: 19_000,
  /** Matched active people that a list needs before it serves. */
  servingMinimum: 300,
} as const

/** Even on a list that never expires, a person without activity for 180 days leaves; sending all again heals that. */
export const REFRESH_AFTER_MS = 90 * 86_400_000
