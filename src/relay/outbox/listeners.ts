import type { NewEvent, Stored } from './outbox.ts'

export type DueListener = (tagId: string, events: number) => void

/** Who wants to hear of due events. A listener that throws harms nobody else. */
export function dueListeners() {
  const listeners = new Set<DueListener>()
  const tell: DueListener = (tagId, events) => {
    for (const listener of listeners) {
      try {
        listener(tagId, events)
      } catch {
        // What a listener does with the news is its own matter.
      }
    }
  }
  return {
    tell,
    /** Tells of the events among these that were new. */
    tellStored(events: readonly NewEvent[], stored: readonly Stored[]) {
      const fresh = new Map<string, number>()
      events.forEach(({ tagId }, index) => {
        if (stored[index] === 'stored') fresh.set(tagId, (fresh.get(tagId) ?? 0) + 1)
      })
      for (const [tagId, count] of fresh) tell(tagId, count)
    },
    add(listener: DueListener): () => void {
      // A wrapper, so that adding one function twice and removing it once leaves one.
      const own: DueListener = (tagId, events) => listener(tagId, events)
      listeners.add(own)
      return () => listeners.delete(own)
    },
  }
}
