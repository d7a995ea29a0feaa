import { costOf } from "../../src/platform/cost.ts";
import { zero } from "../../src/platform/counts.ts";
import type { Billed, Burst, Figures, Rows } from "./load/jobs.ts";
import type { Found, Timing } from "./found.ts";
import { SCENARIOS } from "./scenarios.ts";
import type { ScenarioName } from "./scenarios.ts";
import { VARIANTS } from "./variants.ts";
import type { VariantName } from "./variants.ts";

export interface Sample extends Found {
  readonly round: number;
  readonly scenario: ScenarioName;
}
export interface Results {
  readonly date: string;
  readonly machine: string;
  readonly isPinned: boolean;
  readonly rounds: number;
  readonly timing: Timing;
  /** The sizes of Workers, minified and gzipped, in bytes. */
  readonly sizes: Readonly<Record<string, number | undefined>>;
  readonly samples: readonly Sample[];
}

/** The figures of a scenario and a variant: medians over the rounds. */
export interface Row {
  readonly scenario: ScenarioName;
  readonly variant: VariantName;
  readonly values: Readonly<Record<string, number>>;
  /** The first value divided by the baseline's in the same round: median, minimum, maximum. */
  readonly ratio: readonly [median: number, least: number, most: number] | undefined;
}

/** Columns of the tables of runs. Ratios are those of the first column. */
const RUN: Readonly<Record<string, (figures: Figures) => number>> = {
  "CPU µs/action": ({ serverCpu, done }) => serverCpu / done,
  "µs/delivery": ({ serverCpu, done, clients }) => serverCpu / done / clients,
  "done/s": ({ done, ms }) => (done / ms) * 1000,
  "offered/s": ({ offered, ms }) => (offered / ms) * 1000,
  "p50 ms": ({ latency }) => latency.p50,
  "p95 ms": ({ latency }) => latency.p95,
  "p99 ms": ({ latency }) => latency.p99,
  "packets/action·client": ({ packets, done, clients }) => packets / done / clients,
  "bytes/action·client": ({ bytes, done, clients }) => bytes / done / clients,
  "bytes/packet": ({ bytes, packets }) => bytes / packets,
  "server CPU %": ({ serverCpu, ms }) => serverCpu / ms / 10,
  "load CPU %": ({ ownCpu, ms }) => ownCpu / ms / 10,
  "calls/s": ({ calls = NaN, ms }) => (calls / ms) * 1000,
};
const HELD: Readonly<Record<string, (figures: Figures) => number>> = {
  players: ({ clients }) => clients,
  "done %": ({ done, offered }) => (done / offered) * 100,
  "p50 ms": ({ latency }) => latency.p50,
  "p99 ms": ({ latency }) => latency.p99,
  "server CPU %": ({ serverCpu, ms }) => serverCpu / ms / 10,
  "load CPU %": ({ ownCpu, ms }) => ownCpu / ms / 10,
  "KB/s to each": ({ bytes, clients, ms }) => bytes / clients / ms,
  "packets/s to each": ({ packets, clients, ms }) => (packets / clients / ms) * 1000,
  "calls/s": ({ calls = NaN, ms }) => (calls / ms) * 1000,
};
const BURST: Readonly<Record<string, (burst: Burst) => number>> = {
  "CPU ms": ({ serverCpu }) => serverCpu / 1000,
  ms: ({ ms }) => ms,
  packets: ({ packets }) => packets,
  "KB per client": ({ bytes, clients }) => bytes / clients / 1000,
  "load CPU %": ({ ownCpu, ms }) => ownCpu / ms / 10,
};
const ROWS: Readonly<Record<string, (rows: Rows) => number>> = {
  "rows per join": ({ perJoin }) => perJoin,
  "rows per 1,000 moves": ({ per1000Actions }) => per1000Actions,
};

const MONTH = 30 * 24 * 3600;
const PLAYERS = 1000;
const BILLED: Readonly<Record<string, (billed: Billed) => number>> = {
  dollars: ({ clients, rows, alarms, messages }) => {
    const counts = { messages, alarms, rowsWritten: rows, awakeMs: 1000 };
    return (costOf({ ...zero(), ...counts }).total * MONTH * PLAYERS) / clients;
  },
  "rows/s": ({ rows }) => rows,
  "alarms/s": ({ alarms }) => alarms,
  "messages/s": ({ messages }) => messages,
};

export function summarize({ samples }: Results): Row[] {
  const rows: Row[] = [];
  for (const scenario of Object.keys(SCENARIOS) as ScenarioName[]) {
    for (const variant of SCENARIOS[scenario].variants) {
      const mine = valuesOf(samples, scenario, variant);
      const [first] = mine;
      if (!first) continue;
      const base = valuesOf(samples, scenario, SCENARIOS[scenario].baseline ?? VARIANTS[variant].baseline);
      const [key] = Object.keys(first.values) as [string];
      const ratios = mine
        .map(
          ({ round, values }) =>
            (values[key] as number) /
            median(base.filter((other) => other.round === round).map((other) => other.values[key] as number)),
        )
        .filter((ratio) => !Number.isNaN(ratio));
      rows.push({
        scenario,
        variant,
        values: Object.fromEntries(
          Object.keys(first.values).map((name) => [name, median(mine.map(({ values }) => values[name] as number))]),
        ),
        ratio: ratios.length > 0 ? [median(ratios), Math.min(...ratios), Math.max(...ratios)] : undefined,
      });
    }
  }
  return rows;
}

function valuesOf(samples: readonly Sample[], scenario: ScenarioName, variant: VariantName) {
  return samples
    .filter((sample) => sample.scenario === scenario && sample.variant === variant)
    .flatMap(({ round, figures, held, burst, rows, billed }) => {
      if (held) return [{ round, values: columns(HELD, held) }];
      if (figures) return [{ round, values: columns(RUN, figures) }];
      if (billed) return [{ round, values: columns(BILLED, billed) }];
      if (rows) return [{ round, values: columns(ROWS, rows) }];
      return burst ? [{ round, values: columns(BURST, burst) }] : [];
    });
}

function columns<T>(table: Readonly<Record<string, (from: T) => number>>, from: T): Record<string, number> {
  return Object.fromEntries(Object.entries(table).map(([name, read]) => [name, read(from)]));
}

/** Formats the rows as Markdown tables, one per scenario. @param dates when scenarios were measured, if not now */
export function tableOf(rows: readonly Row[], dates: Readonly<Partial<Record<ScenarioName, string>>> = {}): string {
  const parts: string[] = [];
  for (const scenario of Object.keys(SCENARIOS) as ScenarioName[]) {
    const mine = rows.filter((row) => row.scenario === scenario);
    const [first] = mine;
    if (!first) continue;
    // Some figures exist only for some scenarios. JSON has null where a number is not finite.
    const names = Object.keys(first.values).filter((name) => mine.some(({ values }) => Number.isFinite(values[name])));
    parts.push(
      `**${scenario}**: ${SCENARIOS[scenario].title}${dates[scenario] ? ` (${dates[scenario].slice(0, 10)})` : ""}`,
      "",
      `| | ${names[0]} | ratio to (a) or (a50) | ${names.slice(1).join(" | ")} |`,
      `| --- |${" --- |".repeat(names.length + 1)}`,
      ...mine.map(({ variant, values, ratio }) => {
        const cells = names.map((name) => format(values[name]));
        return `| ${variant} | ${cells[0]} | ${ratio ? `${format(ratio[0])} (${format(ratio[1])}–${format(ratio[2])})` : ""} | ${cells.slice(1).join(" | ")} |`;
      }),
      "",
    );
  }
  return parts.join("\n");
}

function format(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
