const COMMERCE = ['revenue_value', 'currency', 'items']

/** Which parameters of `push('set', …)` an event takes over when it does not carry them itself. */
const INHERITED: ReadonlyMap<unknown, readonly string[]> = new Map(
  Object.entries({
    add_to_cart: COMMERCE,
    add_to_wishlist: COMMERCE,
    remove_from_cart: COMMERCE,
    begin_checkout: [...COMMERCE, 'coupon'],
    checkout_progress: [...COMMERCE, 'coupon', 'checkout_step', 'checkout_option'],
    exception: ['description', 'fatal'],
    generate_lead: ['revenue_value', 'currency', 'transaction_id'],
    login: ['method'],
    sign_up: ['method'],
    page_view: ['page_title', 'page_location', 'page_path', 'rep', 'tpp', 'gtm_tag_source'],
    purchase: ['transaction_id', 'revenue_value', 'currency', 'tax', 'shipping', 'items', 'coupon'],
    refund: ['transaction_id', 'revenue_value', 'currency', 'tax', 'shipping', 'items'],
    screen_view: ['screen_name'],
    search: ['search_term'],
    view_search_results: ['search_term'],
    select_content: ['items', 'promotions', 'content_type', 'content_id'],
    set_checkout_option: ['checkout_step', 'checkout_option'],
    share: ['method', 'content_type', 'content_id'],
    view_item: ['items'],
    view_item_list: ['items'],
    view_promotion: ['promotions'],
  }),
)

/** Names that the event takes over from the page-level parameters; `pid` reaches every event. */
export function inheritedNames(action: unknown): readonly string[] {
  return [...(INHERITED.get(action) ?? []), 'pid']
}
