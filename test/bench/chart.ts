import type { Row } from "./report.ts";
import { SCENARIOS } from "./scenarios.ts";
import type { ScenarioName } from "./scenarios.ts";
import { VARIANTS } from "./variants.ts";
import type { VariantName } from "./variants.ts";

const WIDTH = 760;
const LABELS = 190;
const BAR = 16;
const GAP = 26;
/** The length at which longer bars are cut off. Their label has the real value. */
const MOST = 4;
/** Colors that are readable on white and on black. */
const COLORS: Readonly<Record<string, string>> = {
  a: "#8b949e",
  b: "#2f81f7",
  c: "#d29922",
  d: "#a371f7",
  e: "#3fb950",
};

/** Draws the first figure of some scenarios as bars, relative to a hand-written object: shorter is better. */
export function chartOf(rows: readonly Row[], scenarios: readonly ScenarioName[]): string {
  const parts: string[] = [];
  let y = 30;
  for (const scenario of scenarios) {
    const mine = rows.filter((row) => row.scenario === scenario && row.ratio);
    if (mine.length === 0) continue;
    parts.push(text(0, y, `${scenario}: ${SCENARIOS[scenario].title}`, 'font-weight="600"'));
    y += 10;
    for (const row of mine) {
      parts.push(bar(y, row.variant, (row.ratio as Row["ratio"] & object)[0]));
      y += BAR + 4;
    }
    y += GAP;
  }
  const one = x(1);
  const line = `<line x1="${one}" x2="${one}" y1="18" y2="${y - GAP}" stroke="#8b949e" stroke-dasharray="3 3"/>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" font-family="system-ui, sans-serif" font-size="12" fill="#8b949e">
<title>Server CPU, 1 = the same game written by hand; shorter is better</title>
${text(LABELS, 12, "Server CPU in relation to the same game written by hand (1): shorter is better")}
${[line, ...parts].join("\n")}
</svg>
`;
}

function bar(y: number, variant: VariantName, ratio: number): string {
  const end = x(Math.min(ratio, MOST));
  const color = COLORS[variant[0] as string] ?? "#8b949e";
  const middle = y + BAR - 4;
  return [
    text(LABELS - 8, middle, VARIANTS[variant].title.replaceAll("`", ""), 'text-anchor="end"'),
    `<rect x="${LABELS}" y="${y}" width="${end - LABELS}" height="${BAR}" rx="2" fill="${color}"/>`,
    text(end + 6, middle, `${ratio.toFixed(2)}${ratio > MOST ? " →" : ""}`),
  ].join("");
}

function x(ratio: number): number {
  return Math.round(LABELS + (ratio / MOST) * (WIDTH - LABELS - 60));
}

function text(left: number, top: number, words: string, more = ""): string {
  return `<text x="${left}" y="${top}" ${more}>${words.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</text>`;
}
