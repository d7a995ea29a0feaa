import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { chartOf } from "./chart.ts";
import { tableOf } from "./report.ts";
import type { Results, Row } from "./report.ts";
import { VARIANTS } from "./variants.ts";

const DOCS = join(import.meta.dirname, "../../docs");
const CHARTED = ["s1", "s2", "s3", "s4", "s5", "five", "join", "wake"] as const;
/** What is between them is written anew each time. */
const MARKS = /(<!-- results -->\n)[^]*(<!-- end of results -->)/;

/** Writes results into the documents: as JSON, as tables, and as a chart. */
export async function publish(results: Results, rows: readonly Row[]): Promise<void> {
  const { date, machine, rounds, timing, sizes, isPinned } = results;
  const summary = { date, machine, isPinned, rounds, timing, sizes, rows };
  await writeFile(join(DOCS, "benchmarks.json"), `${JSON.stringify(summary, undefined, 1)}\n`);
  await writeFile(join(DOCS, "benchmarks.svg"), chartOf(rows, CHARTED));
  const path = join(DOCS, "benchmarks.md");
  const text = await readFile(path, "utf8");
  if (!MARKS.test(text)) throw new Error(`${path} has no place for results`);
  const head = `${date.slice(0, 10)}, ${machine}, medians of ${rounds} rounds of ${timing.duration / 1000} s.`;
  await writeFile(
    path,
    text.replace(MARKS, (_, start, end) => `${start}\n${head}\n\n${legend(rows)}\n\n${tableOf(rows)}${end}`),
  );
}

function legend(rows: readonly Row[]): string {
  const names = [...new Set(rows.map(({ variant }) => variant))];
  return ["| | |", "| --- | --- |", ...names.map((name) => `| ${name} | ${VARIANTS[name].title} |`)].join("\n");
}
