import { LIMITS } from './ads/limits.ts'

export type ListAction = 'Add' | 'Remove' | 'Replace'
export type Transport = 'items' | 'bulk'

/** How many hashes the comparison found. `kept` are on the list already and stay. */
export interface Changes {
  added: number
  removed: number
  kept: number
}

/** One kind of work on the list; it is cut into calls or files when it is done. */
export interface PlannedStep {
  action: ListAction
  by: Transport
  count: number
}

export interface PlanOptions {
  apply: 'auto' | Transport
  /** Send those again that are on the list already. */
  full: boolean
  /** The list holds people that nobody wrote down, so its content is replaced before anything is added. */
  reset: boolean
}

// 20 calls; beyond that one file is quicker and spares the call rate.
const ITEMS_AT_MOST = 20 * LIMITS.itemsPerCall

/**
 * What to send, in order: removals first, as a person who left must go even when adding fails later. A Replace is only
 * ever the first call or file of a list, never repeated, because each one wipes what came before.
 */
export function planSteps({ added, removed, kept }: Changes, { apply, full, reset }: PlanOptions): PlannedStep[] {
  const step = (action: ListAction, count: number): PlannedStep => ({
    action,
    by: apply === 'auto' ? (count > ITEMS_AT_MOST ? 'bulk' : 'items') : apply,
    count,
  })
  const steps = [step('Remove', removed), step(reset ? 'Replace' : 'Add', added + (full || reset ? kept : 0))]
  return steps.filter(({ count }) => count > 0)
}

const GUARDED_SIZE = 100

/** Why a run needs the operator's word first, or undefined: it would empty the list or more than halve it. */
export function guardReason({ added, removed, kept }: Changes): string | undefined {
  const size = kept + removed
  if (removed && !kept && !added) return `it would remove all ${removed} people of the list`
  if (size >= GUARDED_SIZE && removed > size / 2) return `it would remove ${removed} of the ${size} people of the list`
  return undefined
}
