/** What the recipes use of frameworks that are not installed here, by their documented signatures. */
export const FRAMEWORKS = `
declare var uetkit: any
interface Window { uetkit?: any }

declare module 'react' {
  export function useEffect(effect: () => void | (() => void), deps?: readonly unknown[]): void
  export type ReactNode = unknown
  export function Suspense(props: { children?: ReactNode }): any
}
declare module 'react/jsx-runtime' {
  export namespace JSX {
    interface IntrinsicElements {
      html: { lang?: string; children?: unknown }
      body: { children?: unknown }
      button: { onClick?: () => void; children?: unknown }
    }
    interface ElementChildrenAttribute { children: unknown }
    type Element = any
  }
}
declare module 'react-router-dom' {
  export function useLocation(): { pathname: string; search: string; hash: string }
}
declare module 'next/navigation' {
  export function usePathname(): string
  export function useSearchParams(): Readonly<URLSearchParams>
}
declare module 'vue' {
  export function onMounted(hook: () => void): void
  export function nextTick(run: () => void): Promise<void>
}
declare function defineProps<T>(): Readonly<T>
declare module 'vue-router' {
  interface Route { path: string; matched: unknown[] }
  export interface Router {
    afterEach(guard: (to: Route, from: Route, failure?: Error | void) => unknown): () => void
  }
}
declare module '#app' {
  interface App { hook(name: 'page:finish', listener: () => void): void }
  export function defineNuxtPlugin<T>(plugin: (app: App) => { provide: T }): unknown
}
declare module '$app/navigation' {
  export function afterNavigate(callback: () => void): void
}
declare module 'svelte' {
  export function onMount(callback: () => void): void
}
declare function $props(): any
declare module '@snowplow/browser-tracker' {
  export interface BrowserPlugin {
    activateBrowserPlugin?: (tracker: object) => void
    beforeTrack?: (builder: object) => void
    afterTrack?: (payload: Record<string, unknown>) => void
  }
  export function newTracker(id: string, endpoint: string, configuration?: { plugins?: BrowserPlugin[] }): unknown
}
`
