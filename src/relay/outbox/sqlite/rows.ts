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

export const partOf = ({ tagIds, ids, names, eventTimes, subjects, bodies }: Rows, from: number, to: number): Rows => ({
  tagIds: tagIds.slice(from, to),
  ids: ids.slice(from, to),
  names: names.slice(from, to),
  eventTimes: eventTimes.slice(from, to),
  subjects: subjects.slice(from, to),
  bodies: bodies.slice(from, to),
})
