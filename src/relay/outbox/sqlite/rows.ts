import type { NewEvent } from '../outbox.ts'

/**
 * Events on their way to the worker, one list a field: a few long lists of text are copied from thread to thread for a
 * fraction of what as many objects cost.
 */
export interface Rows {
  tagIds: string[]
  ids: string[]
  names: string[]
  eventTimes: number[]
  /** As JSON text, which is how they are stored. */
  subjects: string[]
  bodies: string[]
}

export const emptyRows = (): Rows => ({ tagIds: [], ids: [], names: [], eventTimes: [], subjects: [], bodies: [] })

export function addRow(rows: Rows, { tagId, id, name, eventTime, subjects, body }: NewEvent): void {
  rows.tagIds.push(tagId)
  rows.ids.push(id)
  rows.names.push(name)
  rows.eventTimes.push(eventTime)
  rows.subjects.push(JSON.stringify(subjects))
  rows.bodies.push(body)
}
