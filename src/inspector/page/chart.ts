import { make, write } from "./dom.ts";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 120;
const HEIGHT = 36;

/** The number of samples of a chart: a minute, with one each second. */
export const SAMPLES = 60;

/** A small chart of the latest values of one number, which is shown beside it. */
export class Chart {
  readonly element: HTMLElement;
  readonly #format: (value: number) => string;
  readonly #values: number[] = [];
  readonly #value = make("output");
  readonly #area = shape("path", "area");
  readonly #line = shape("path", "line");

  constructor(name: string, format: (value: number) => string) {
    this.#format = format;
    const svg = shape("svg", "plot");
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    svg.append(this.#area, this.#line);
    this.element = make("figure", { class: "chart" }, make("figcaption", {}, name), this.#value, svg);
  }

  add(value: number): void {
    this.#values.push(value);
    if (this.#values.length > SAMPLES) this.#values.shift();
    write(this.#value, this.#format(value));
    const points = pointsOf(this.#values);
    this.#line.setAttribute("d", `M${points.join("L")}`);
    this.#area.setAttribute("d", `M${points.join("L")}L${WIDTH},${HEIGHT}L${points[0]?.split(",")[0]},${HEIGHT}Z`);
  }
}

function shape<K extends keyof SVGElementTagNameMap>(tag: K, className: string): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, tag);
  element.setAttribute("class", className);
  return element;
}

/** The latest value is on the right. */
function pointsOf(values: readonly number[]): string[] {
  const most = Math.max(...values, 1e-9);
  const step = WIDTH / (SAMPLES - 1);
  return values.map((value, index) => {
    const x = WIDTH - (values.length - 1 - index) * step;
    return `${x.toFixed(1)},${(HEIGHT - 1 - (value / most) * (HEIGHT - 4)).toFixed(1)}`;
  });
}
