import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { chartOf } from "./chart.ts";
import { tableOf } from "./report.ts";
import type { Results, Row } from "./report.ts";
import type { ScenarioName } from "./scenarios.ts";
import { VARIANTS } from "./variants.ts";

const DOCS = join(import.meta.dirname, "../../docs");
const CHARTED = ["s1", "s2", "s3", "s4", "s5", "five", "join", "wake"] as const;
/** The text between the marks is replaced each time. */
const MARKS = /(<!-- results -->\n)[^]*(<!-- end of results -->)/;

/** The contents of docs/benchmarks.json. */
interface Published {
  readonly date: string;
  /** When each scenario was measured. Older files do not have it: `date` is then that of all scenarios. */
  readonly dates?: Readonly<Partial<Record<ScenarioName, string>>>;
  readonly sizes: Results["sizes"];
  readonly rows: readonly Row[];
}

/**
 * Writes results into the documents: as JSON, tables and a chart. Keeps old results of scenarios that were not
 * measured.
 */
export async function publish(results: Results, measured: readonly Row[]): Promise<void> {
  const { date, machine, rounds, timing, isPinned } = results;
  const file = join(DOCS, "benchmarks.json");
  const before = JSON.parse(await readFile(file, "utf8")) as Published;
  const kept = before.rows.filter(({ scenario }) => measured.every((row) => row.scenario !== scenario));
  const rows = [...kept, ...measured];
  const dates = Object.fromEntries([
    ...kept.map(({ scenario }) => [scenario, before.dates?.[scenario] ?? before.date] as const),
    ...measured.map(({ scenario }) => [scenario, date] as const),
  ]);
  const sizes = { ...before.sizes, ...results.sizes };
  const summary = { date, dates, machine, isPinned, rounds, timing, sizes, rows };
  await writeFile(file, `${JSON.stringify(summary, undefined, 1)}\n`);
  await writeFile(join(DOCS, "benchmarks.svg"), chartOf(rows, CHARTED));
  const path = join(DOCS, "benchmarks.md");
  const text = await readFile(path, "utf8");
  if (!MARKS.test(text)) throw new Error(`${path} has no place for results`);
  const head = `${machine}, medians of ${rounds} rounds of ${timing.duration / 1000} s in the latest run.`;
  await writeFile(
    path,
    text.replace(MARKS, (_, start, end) => `${start}\n${head}\n\n${legend(rows)}\n\n${tableOf(rows, dates)}${end}`),
  );
}

function legend(rows: readonly Row[]): string {
  const names = [...new Set(rows.map(({ variant }) => variant))];
  return ["| | |", "| --- | --- |", ...names.map((name) => `| ${name} | ${VARIANTS[name].title} |`)].join("\n");
}
