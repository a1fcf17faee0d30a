export type Child = Node | string | undefined | false

/** Makes an element. Text is set as text, never as HTML: it comes from the page, and Trusted Types forbid more. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | boolean | number | undefined> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : `${value}`)
  for (const child of children) if (child) element.append(child)
  return element
}

/** Tells whether a value differs from the one before: the same drawn again would only cost the page a layout. */
export function createChangeTest(): (value: unknown) => boolean {
  let before = ''
  return (value) => {
    const now = JSON.stringify(value)
    const isNew = now !== before
    before = now
    return isNew
  }
}

const SVG = 'http://www.w3.org/2000/svg'

/** An icon of strokes in a 16 by 16 box. */
export function icon(path: string): SVGElement {
  const svg = document.createElementNS(SVG, 'svg')
  svg.setAttribute('viewBox', '0 0 16 16')
  svg.setAttribute('aria-hidden', 'true')
  const line = document.createElementNS(SVG, 'path')
  line.setAttribute('d', path)
  svg.append(line)
  return svg
}

/** A button that shows an icon and has a name for those who do not see it. */
export function iconButton(name: string, path: string, onClick: () => void): HTMLButtonElement {
  const button = h('button', { type: 'button', class: 'icon', 'aria-label': name, title: name }, icon(path))
  button.addEventListener('click', onClick)
  return button
}

export const ICONS = {
  copy: 'M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z',
  clear: 'M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5l.7 8.5h5.6l.7-8.5',
  hide: 'M3 12.5h10',
  close: 'M4 4l8 8M12 4l-8 8',
  page: 'M4 2h5l3 3v9H4zM9 2v3h3',
  event: 'M9 1.5L3.5 9H8l-1 5.5L12.5 7H8z',
  consent: 'M8 1.8l5 2v4c0 3-2 5.4-5 6.4-3-1-5-3.4-5-6.4v-4zM5.8 8l1.6 1.6 3-3.2',
  script: 'M5 4.5L1.5 8 5 11.5M11 4.5L14.5 8 11 11.5M9 3l-2 10',
  relay: 'M2 5.5h11l-3-3M14 10.5H3l3 3',
  tag: 'M8 8m-2.2 0a2.2 2.2 0 1 0 4.4 0a2.2 2.2 0 1 0-4.4 0M3.4 12.6a6.5 6.5 0 0 1 0-9.2M12.6 3.4a6.5 6.5 0 0 1 0 9.2',
  fault: 'M8 2l6.5 11.5h-13zM8 6.5v3.2M8 11.4v.4',
} as const
