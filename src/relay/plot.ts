/** One line of a plot. */
export interface Series {
  name: string
  /** CSS class, for its colour. */
  look: string
  /** Undefined = nothing known there. */
  values: readonly (number | undefined)[]
}

const WIDTH = 300
const HEIGHT = 72
const BASE = 66
const TOP = 6

/** The next of 1, 2, 5, 10, 20 …, so that a plot does not jump with each value. */
export function niceMaximum(value: number): number {
  if (!(value > 1)) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value)!
}

/** A small line plot as SVG, oldest value on the left. Only numbers and the caller's own names go into it. */
export function drawPlot(label: string, series: readonly Series[], points: number): string {
  const maximum = niceMaximum(Math.max(0, ...series.flatMap(({ values }) => values.map((value) => value ?? 0))))
  const x = (index: number, length: number) => round(WIDTH - ((length - 1 - index) * WIDTH) / Math.max(1, points - 1))
  const y = (value: number) => round(BASE - (value / maximum) * (BASE - TOP))
  const lines = series.map(({ look, values }) => {
    const known = values.flatMap((value, index) => (value === undefined ? [] : [[x(index, values.length), y(value)]]))
    const [first, last] = [known[0], known.at(-1)]
    if (!first || !last) return ''
    const path = known.map(([left, top]) => `${left} ${top}`).join('L')
    return `<path class="area ${look}" d="M${first[0]} ${BASE}L${path}L${last[0]} ${BASE}z"/><path class="line ${look}" d="M${path}"/>`
  })
  return `<svg class="plot" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${label}"><path class="base" d="M0 ${BASE}H${WIDTH}"/>${lines.join('')}</svg>`
}

const round = (value: number): number => Math.round(value * 10) / 10
