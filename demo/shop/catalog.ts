/** What the shop sells. Prices in euros. The pictures are drawn by hand, so that nothing is fetched from anywhere. */
export interface Product {
  id: string
  name: string
  category: string
  price: number
  text: string
  /** Inside of an SVG with the view box 0 0 200 200. */
  picture: string
}

export const CURRENCY = 'EUR'

const WOOD = '#c98f56'
const WOOD_DARK = '#a8713c'
const STEEL = '#9fb0b5'
const STEEL_DARK = '#7c8f95'
const STEEL_LIGHT = '#c9d5d8'
const GREEN = '#3f7a5a'
const GREEN_DARK = '#2c5a42'
const BRASS = '#d8a944'

const shadow = (rx: number, cx = 100) => `<ellipse cx="${cx}" cy="176" rx="${rx}" ry="7" fill="#000" opacity=".1"/>`

export const PRODUCTS: Product[] = [
  {
    id: 'trowel',
    name: 'Planting trowel',
    category: 'tools',
    price: 25,
    text: 'A forged blade with depth marks, and an ash handle that fits either hand.',
    picture: `${shadow(34, 108)}<g transform="rotate(38 100 100)">
      <rect x="91" y="16" width="18" height="62" rx="9" fill="${WOOD}"/><path d="M91 32h18v8H91z" fill="${WOOD_DARK}" opacity=".45"/>
      <rect x="94" y="74" width="12" height="14" rx="2" fill="${BRASS}"/><path d="M96 86h8v16h-8z" fill="${STEEL_DARK}"/>
      <path d="M74 108q0-10 10-10h32q10 0 10 10v32q0 30-26 48-26-18-26-48z" fill="${STEEL}"/>
      <path d="M100 98h16q10 0 10 10v32q0 30-26 48z" fill="${STEEL_DARK}" opacity=".55"/>
      <path d="M82 116h9m-9 14h12m-12 14h9" stroke="#fff" stroke-width="3" stroke-linecap="round" opacity=".8"/></g>`,
  },
  {
    id: 'secateurs',
    name: 'Bypass secateurs',
    category: 'tools',
    price: 42,
    text: 'Carbon steel that can be sharpened for a lifetime. Cuts up to 22 mm.',
    picture: `${shadow(40)}<g stroke-linecap="round" fill="none">
      <path d="M108 84q38 26 32 84" stroke="${GREEN_DARK}" stroke-width="16"/><path d="M92 84q-38 26-32 84" stroke="${GREEN}" stroke-width="16"/>
      <path d="M70 112q-11 20-10 42" stroke="#fff" stroke-width="3" opacity=".3"/></g>
      <path d="M102 92q-30-22-24-66 26 16 38 54z" fill="${STEEL}"/><path d="M98 92q24-16 28-50-22 8-36 40z" fill="${STEEL_DARK}"/>
      <path d="M78 26q20 20 26 58" stroke="#fff" stroke-width="2.5" fill="none" opacity=".7"/>
      <circle cx="100" cy="88" r="11" fill="${BRASS}"/><circle cx="100" cy="88" r="4" fill="#8a6a22"/>
      <path d="M78 122q22-12 44 0" stroke="${STEEL_DARK}" stroke-width="4" fill="none"/>`,
  },
  {
    id: 'can',
    name: 'Watering can, 5 l',
    category: 'garden',
    price: 39.5,
    text: 'Galvanised and painted, with a brass rose for a soft rain.',
    picture: `${shadow(60)}<path d="M62 92Q70 46 114 62q20 8 22 32" fill="none" stroke="${GREEN_DARK}" stroke-width="9"/>
      <path d="M136 124l34-50" stroke="${GREEN}" stroke-width="13"/><path d="M158 62l26 17-6 9-26-17z" fill="${BRASS}"/>
      <path d="M52 94h88l8 74q0 6-6 6H50q-6 0-6-6z" fill="${GREEN}"/><path d="M108 94h32l8 74q0 6-6 6h-30z" fill="${GREEN_DARK}" opacity=".55"/>
      <path d="M49 116h94" stroke="#fff" stroke-width="3" opacity=".25"/><ellipse cx="96" cy="94" rx="44" ry="9" fill="${GREEN_DARK}"/>`,
  },
  {
    id: 'hammer',
    name: 'Joiner’s hammer',
    category: 'tools',
    price: 31,
    text: 'Four hundred grams, hung on straight-grained hickory.',
    picture: `${shadow(36, 92)}<g transform="rotate(-32 100 100)"><rect x="91" y="62" width="18" height="122" rx="8" fill="${WOOD}"/>
      <path d="M91 128h18v48q0 8-8 8h-2q-8 0-8-8z" fill="${WOOD_DARK}"/><path d="M91 136h18m-18 10h18m-18 10h18" stroke="#fff" stroke-width="2" opacity=".35"/>
      <path d="M50 36q30-12 62-8v40H88q-14-20-38-20z" fill="${STEEL_DARK}"/><path d="M108 28h30v40h-30z" fill="${STEEL}"/>
      <path d="M136 24h14q4 0 4 4v40q0 4-4 4h-14z" fill="${STEEL_LIGHT}"/><path d="M112 32h22" stroke="#fff" stroke-width="3" opacity=".6"/></g>`,
  },
  {
    id: 'saw',
    name: 'Folding saw',
    category: 'tools',
    price: 34,
    text: 'Cuts on the pull stroke. Folds away into a beech handle.',
    picture: `${shadow(60)}<g transform="rotate(-18 100 110)"><path d="M82 96L186 78q6 18-2 30l-102 14z" fill="${STEEL_LIGHT}"/>
      <path d="M84 122l4 7 5-8 4 7 5-8 4 7 5-8 4 7 5-8 4 7 5-8 4 7 5-8 4 7 5-8 4 7 5-8 4 7 5-8 4 7 5-8 4 7 5-9 4 6 3-8z" fill="${STEEL_DARK}"/>
      <path d="M88 99l92-16" stroke="#fff" stroke-width="3" opacity=".8"/>
      <path d="M12 112q0-18 18-18h62q12 0 12 14 0 18-14 18-10 0-16 6-8 8-26 8-36 0-36-28z" fill="${WOOD}"/>
      <path d="M16 122q6 18 32 18 18 0 26-8 6-6 16-6 8 0 12-8-6 2-14 2-12 0-22 6-16 8-50-4z" fill="${WOOD_DARK}" opacity=".6"/>
      <circle cx="92" cy="109" r="8" fill="${BRASS}"/><circle cx="30" cy="112" r="4" fill="#7d5226"/></g>`,
  },
  {
    id: 'lantern',
    name: 'Storm lantern',
    category: 'outdoor',
    price: 48,
    text: 'Burns twenty hours on one filling and shrugs off the wind.',
    picture: `${shadow(44)}<path d="M58 150V88q0-52 42-52t42 52v62" fill="none" stroke="${STEEL_DARK}" stroke-width="6"/>
      <path d="M78 46q22-14 44 0l-6 16H84z" fill="#b5523b"/><path d="M92 26h16v14H92z" fill="#8e3c2a"/>
      <path d="M84 62h32q22 34 4 78H80q-18-44 4-78z" fill="#f6dc8f"/><path d="M84 62h14q-26 38-8 78H80q-18-44 4-78z" fill="#fff" opacity=".5"/>
      <path d="M100 92q16 20 0 38-16-18 0-38z" fill="#ee8f2f"/><path d="M100 108q7 10 0 20-7-10 0-20z" fill="#fff3c4"/>
      <path d="M66 140h68l8 28q1 6-6 6H64q-7 0-6-6z" fill="#b5523b"/><path d="M100 140h34l8 28q1 6-6 6h-36z" fill="#8e3c2a" opacity=".6"/>
      <path d="M70 152h30" stroke="#fff" stroke-width="3" opacity=".35"/>`,
  },
  {
    id: 'mug',
    name: 'Enamel mug',
    category: 'outdoor',
    price: 14.5,
    text: 'For the first coffee outside. Holds 350 ml and any knock.',
    picture: `${shadow(50, 92)}<path d="M132 86q40-6 36 28-4 30-42 32" fill="none" stroke="#3d5a80" stroke-width="11"/>
      <path d="M44 62h96l-6 100q-1 12-13 12H63q-12 0-13-12z" fill="#f3f1ea"/><path d="M98 62h42l-6 100q-1 12-13 12H98z" fill="#000" opacity=".06"/>
      <ellipse cx="92" cy="62" rx="48" ry="11" fill="#5b4636"/><ellipse cx="92" cy="62" rx="48" ry="11" fill="none" stroke="#3d5a80" stroke-width="7"/>
      <path d="M76 118q16-22 32 0m-40 22q24-34 48 0" fill="none" stroke="#3d5a80" stroke-width="5" stroke-linecap="round" opacity=".75"/>
      <path d="M78 42q-8-8 0-16t0-16m26 32q-8-8 0-16t0-16" fill="none" stroke="currentColor" stroke-width="4" stroke-linecap="round" opacity=".18"/>`,
  },
  {
    id: 'stool',
    name: 'Kneeling stool',
    category: 'garden',
    price: 59,
    text: 'Sit on it, kneel on it, carry it with one hand. Oiled oak.',
    picture: `${shadow(62)}<path d="M58 82l-18 90" stroke="${WOOD_DARK}" stroke-width="13" stroke-linecap="round"/>
      <path d="M142 82l18 90" stroke="${WOOD_DARK}" stroke-width="13" stroke-linecap="round"/>
      <path d="M50 134h100" stroke="${WOOD}" stroke-width="10"/><path d="M78 82l-10 88M122 82l10 88" stroke="${WOOD}" stroke-width="11" stroke-linecap="round"/>
      <rect x="32" y="66" width="136" height="22" rx="9" fill="${WOOD}"/><path d="M32 78h136v1q0 9-9 9H41q-9 0-9-9z" fill="${WOOD_DARK}" opacity=".6"/>
      <rect x="82" y="72" width="36" height="7" rx="3.5" fill="#6d4522"/><path d="M44 72h26" stroke="#fff" stroke-width="3" stroke-linecap="round" opacity=".35"/>`,
  },
]

export const findProduct = (id: string): Product | undefined => PRODUCTS.find((product) => product.id === id)
