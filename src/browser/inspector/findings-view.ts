import { createChangeTest, h } from './dom.ts'
import type { Finding } from './findings.ts'

/** The list of findings. It is drawn again only when they changed, so that nobody loses the place. */
export function createFindingsView(): { element: HTMLElement; show(findings: Finding[]): void } {
  const list = h('ol', { 'aria-label': 'Findings' })
  const empty = h('p', { class: 'empty' }, 'Nothing is wrong as far as can be seen from this page.')
  const isNew = createChangeTest()
  return {
    element: h(
      'div',
      { class: 'view' },
      h('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'Findings' }, list, empty),
    ),
    show: (findings) => {
      if (!isNew(findings)) return
      empty.hidden = findings.length > 0
      list.replaceChildren(
        ...findings.map(({ id, level, title, evidence, remedy }) =>
          h(
            'li',
            { class: 'finding', 'data-level': level, 'data-finding': id },
            h('h3', {}, title),
            h('p', { class: 'seen' }, evidence),
            h('p', {}, remedy),
            h('code', {}, `${level}: ${id}`),
          ),
        ),
      )
    },
  }
}
