type Listener = ((event: Event) => void) | { handleEvent(event: Event): void }

/** An event target that bubbles: node, its ancestors, the document, the window. */
export class FakeTarget {
  [key: string]: unknown
  #listeners = new Map<string, { listener: Listener; once: boolean }[]>()

  bubblesTo(): FakeTarget | undefined {
    return undefined
  }

  /** Where an exception of a listener goes; a browser reports it and carries on. */
  reportError(error: unknown): void {
    const next = this.bubblesTo()
    if (next === undefined) throw error
    next.reportError(error)
  }

  addEventListener(type: string, listener: Listener | null, options?: boolean | AddEventListenerOptions): void {
    if (listener === null) return
    const known = this.#listeners.get(type) ?? []
    if (known.some((entry) => entry.listener === listener)) return
    const once = typeof options === 'object' && options.once === true
    if (typeof options === 'object') {
      if (options.signal?.aborted) return
      options.signal?.addEventListener('abort', () => this.removeEventListener(type, listener))
    }
    this.#listeners.set(type, [...known, { listener, once }])
  }

  removeEventListener(type: string, listener: Listener | null): void {
    const kept = (this.#listeners.get(type) ?? []).filter((entry) => entry.listener !== listener)
    this.#listeners.set(type, kept)
  }

  /** How many listeners wait for `type`, for tests that prove cleaning up. */
  listenerCount(type: string): number {
    return this.#listeners.get(type)?.length ?? 0
  }

  dispatchEvent(event: Event): boolean {
    Object.defineProperty(event, 'target', { value: this, configurable: true })
    for (let target: FakeTarget | undefined = this; target !== undefined; target = target.bubblesTo()) {
      Object.defineProperty(event, 'currentTarget', { value: target, configurable: true })
      target.#run(event)
      if (!event.bubbles || event.cancelBubble) break
    }
    return !event.defaultPrevented
  }

  #run(event: Event): void {
    const handler = this[`on${event.type}`]
    const entries = [...(this.#listeners.get(event.type) ?? [])]
    const calls = entries.map(({ listener, once }) => () => {
      if (once) this.removeEventListener(event.type, listener)
      if (typeof listener === 'function') listener.call(this, event)
      else listener.handleEvent(event)
    })
    if (typeof handler === 'function') calls.unshift(() => handler.call(this, event))
    for (const call of calls) {
      try {
        call()
      } catch (error) {
        this.reportError(error)
      }
    }
  }
}

/** An element with what scripts that load scripts need: tree, attributes, a style object. */
export class FakeElement extends FakeTarget {
  readonly tagName: string
  readonly ownerDocument: FakeDocument
  readonly style: Record<string, string> = {}
  children: FakeElement[] = []
  parentNode: FakeElement | FakeDocument | null = null
  textContent = ''
  #attributes = new Map<string, string>()

  constructor(tagName: string, ownerDocument: FakeDocument) {
    super()
    this.tagName = tagName.toUpperCase()
    this.ownerDocument = ownerDocument
  }

  override bubblesTo(): FakeTarget | undefined {
    return this.parentNode ?? undefined
  }

  override reportError(error: unknown): void {
    this.ownerDocument.reportError(error)
  }

  get nodeName(): string {
    return this.tagName
  }

  get childNodes(): FakeElement[] {
    return this.children
  }

  get firstChild(): FakeElement | null {
    return this.children[0] ?? null
  }

  get parentElement(): FakeElement | null {
    return this.parentNode instanceof FakeElement ? this.parentNode : null
  }

  get isConnected(): boolean {
    for (let node: FakeElement | FakeDocument | null = this; node !== null; ) {
      if (node instanceof FakeDocument) return true
      node = node.parentNode
    }
    return false
  }

  get id(): string {
    return this.getAttribute('id') ?? ''
  }

  set id(value: string) {
    this.setAttribute('id', value)
  }

  get src(): string {
    const written = this.getAttribute('src')
    if (written === null || written === '') return ''
    try {
      return new URL(written, this.ownerDocument.URL).href
    } catch {
      return written
    }
  }

  set src(value: unknown) {
    // A Trusted Types page refuses a plain string here; `FakeDocument.refusesScriptUrl` models it.
    if (this.tagName === 'SCRIPT' && this.ownerDocument.refusesScriptUrl(value)) {
      throw new TypeError("Failed to set the 'src' property: this document requires 'TrustedScriptURL' assignment.")
    }
    this.setAttribute('src', String(value))
    if (this.tagName === 'IMG') this.ownerDocument.onFetch(this)
  }

  /** `data-` attributes in camel case, as a snapshot. */
  get dataset(): Record<string, string> {
    const data: Record<string, string> = {}
    for (const [name, value] of this.#attributes) {
      if (name.startsWith('data-')) data[name.slice(5).replace(/-([a-z])/g, (_, c: string) => c.toUpperCase())] = value
    }
    return data
  }

  getAttribute(name: string): string | null {
    return this.#attributes.get(name.toLowerCase()) ?? null
  }

  setAttribute(name: string, value: unknown): void {
    this.#attributes.set(name.toLowerCase(), String(value))
  }

  hasAttribute(name: string): boolean {
    return this.#attributes.has(name.toLowerCase())
  }

  removeAttribute(name: string): void {
    this.#attributes.delete(name.toLowerCase())
  }

  appendChild<T extends FakeElement>(child: T): T {
    return this.insertBefore(child, null)
  }

  append(...children: FakeElement[]): void {
    for (const child of children) this.appendChild(child)
  }

  insertBefore<T extends FakeElement>(child: T, before: FakeElement | null): T {
    const wasConnected = child.isConnected
    child.remove()
    const index = before === null ? this.children.length : this.children.indexOf(before)
    if (index < 0) throw new Error('The node before which to insert is not a child of this node.')
    this.children.splice(index, 0, child)
    child.parentNode = this
    const isFetched = child.tagName === 'SCRIPT' && child.src !== ''
    if (isFetched && !wasConnected && child.isConnected) this.ownerDocument.onFetch(child)
    return child
  }

  removeChild<T extends FakeElement>(child: T): T {
    this.children = this.children.filter((other) => other !== child)
    child.parentNode = null
    return child
  }

  remove(): void {
    if (this.parentNode instanceof FakeElement) this.parentNode.removeChild(this)
  }

  contains(other: unknown): boolean {
    return other === this || this.children.some((child) => child.contains(other))
  }

  /** `tag`, `#id`, `[name]`, `[name="value"]`, combined, and lists with commas. No descendants. */
  matches(selector: string): boolean {
    return selector.split(',').some((part) => this.#matchesOne(part.trim()))
  }

  #matchesOne(selector: string): boolean {
    const [, tag, id, attributes = ''] = /^([a-z*]*)(?:#([\w-]+))?((?:\[[^\]]+\])*)$/i.exec(selector) ?? []
    if (tag === undefined) throw new Error(`The fake DOM does not know the selector ${selector}`)
    if (tag !== '' && tag !== '*' && tag.toUpperCase() !== this.tagName) return false
    if (id !== undefined && id !== this.id) return false
    return [...attributes.matchAll(/\[([\w-]+)(?:([*^$]?)=["']?([^"'\]]*)["']?)?\]/g)].every(
      ([, name = '', operator, value]) => {
        const found = this.getAttribute(name)
        if (found === null || value === undefined) return found !== null
        if (operator === '*') return found.includes(value)
        if (operator === '^') return found.startsWith(value)
        return operator === '$' ? found.endsWith(value) : found === value
      },
    )
  }

  querySelectorAll(selector: string): FakeElement[] {
    return this.children.flatMap((child) => [
      ...(child.matches(selector) ? [child] : []),
      ...child.querySelectorAll(selector),
    ])
  }

  querySelector(selector: string): FakeElement | null {
    return this.querySelectorAll(selector)[0] ?? null
  }

  getElementsByTagName(tag: string): FakeElement[] {
    return this.querySelectorAll(tag)
  }
}

/** What the window plugs into its document. */
export interface DocumentHost {
  url(): string
  readCookies(): string
  writeCookie(text: string): void
  /** An image got its `src`, or a script with `src` was connected. */
  fetch(element: FakeElement): void
  reportError(error: unknown): void
}

export class FakeDocument extends FakeTarget {
  title: string
  referrer: string
  readyState: DocumentReadyState = 'complete'
  visibilityState: DocumentVisibilityState = 'visible'
  prerendering = false
  characterSet = 'UTF-8'
  currentScript: FakeElement | null = null
  defaultView: FakeTarget | null = null
  refusesScriptUrl: (value: unknown) => boolean = () => false
  readonly documentElement: FakeElement
  readonly head: FakeElement
  body: FakeElement | null
  #host: DocumentHost

  constructor(host: DocumentHost, { title, referrer }: { title: string; referrer: string }) {
    super()
    this.#host = host
    this.title = title
    this.referrer = referrer
    this.documentElement = new FakeElement('html', this)
    this.documentElement.parentNode = this
    this.head = this.documentElement.appendChild(new FakeElement('head', this))
    this.body = this.documentElement.appendChild(new FakeElement('body', this))
  }

  override bubblesTo(): FakeTarget | undefined {
    return this.defaultView ?? undefined
  }

  override reportError(error: unknown): void {
    this.#host.reportError(error)
  }

  onFetch(element: FakeElement): void {
    this.#host.fetch(element)
  }

  get URL(): string {
    return this.#host.url()
  }

  get location(): unknown {
    return this.defaultView?.location
  }

  get hidden(): boolean {
    return this.visibilityState === 'hidden'
  }

  get cookie(): string {
    return this.#host.readCookies()
  }

  set cookie(text: string) {
    this.#host.writeCookie(text)
  }

  get scripts(): FakeElement[] {
    return this.getElementsByTagName('script')
  }

  createElement(tag: string): FakeElement {
    return new FakeElement(tag, this)
  }

  getElementById(id: string): FakeElement | null {
    return this.querySelector(`#${id}`)
  }

  getElementsByTagName(tag: string): FakeElement[] {
    return this.querySelectorAll(tag)
  }

  querySelector(selector: string): FakeElement | null {
    return this.querySelectorAll(selector)[0] ?? null
  }

  querySelectorAll(selector: string): FakeElement[] {
    const root = this.documentElement
    return [...(root.matches(selector) ? [root] : []), ...root.querySelectorAll(selector)]
  }
}
