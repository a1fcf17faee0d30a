/** Opens the inspector: in the address of a page, and in the name of the tab, which says it to the pages after it. */
export const INSPECT_MARK = 'uetkit_inspect=1'
