import type { FlowReport, ObjectMetrics, RoomMetrics } from "../platform/metrics.ts";
import type { WorldMetrics } from "./metrics.ts";

/** The content type of the text format: https://prometheus.io/docs/instrumenting/exposition_formats/ */
export const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

type Labels = Readonly<Record<string, string>>;

/** Whether a client wants this format. Prometheus accepts text/plain by name; browsers and fetch do not. */
export function wantsText({ url, headers }: Request): boolean {
  return url.includes("format=prometheus") || (headers.get("accept") ?? "").includes("text/plain");
}

/**
 * The metrics of a World in the format of Prometheus. Names are derived from those of the JSON: docs/observability.md.
 */
export function exposition({ world, known, silent, rooms, shards }: WorldMetrics): string {
  const page = new Page();
  for (const [name, value] of Object.entries({ ...known, silent: silent.length })) {
    page.add(`world ${name}`, { world }, value);
  }
  for (const object of [...rooms, ...shards]) addObject(page, world, object);
  return page.text();
}

/** A room has no label "shard", and a shard no users. */
type Counted = Omit<ObjectMetrics, "errors"> &
  Partial<Pick<RoomMetrics, "users" | "sessions"> & FlowReport> & { readonly shard?: string };

function addObject(page: Page, world: string, object: Counted): void {
  const { party, room, shard, totals, awake, cost, connections, users, sessions } = object;
  const labels: Labels = { world, party, room, ...(shard !== undefined && { shard }) };
  const { awakeMs, ...counts } = totals;
  for (const [name, count] of Object.entries({ ...counts, awakeSeconds: awakeMs / 1000 })) {
    const parts = typeof count === "number" ? [["", count] as const] : Object.entries(count);
    for (const [by, value] of parts) page.add(`${name} total`, by ? { ...labels, by } : labels, value);
  }
  const { behind, unconfirmedBytes, merges, tooSlow } = object;
  const gauges = { connections, users, sessions, behind, unconfirmedBytes, dollarsPerHour: cost.average.total };
  for (const [name, value] of Object.entries({ ...gauges, "merges total": merges, "tooSlow total": tooSlow })) {
    if (value !== undefined) page.add(name, labels, value);
  }
  for (const { why, count } of awake) page.add("awake", { ...labels, by: why }, count);
}

/** Samples, grouped by name. */
class Page {
  readonly #families = new Map<string, string[]>();

  /** @param name words, or the name of a property. The name of a counter ends with "total" */
  add(words: string, labels: Labels, value: number): void {
    const text = words.replace(/[A-Z]/g, " $&").toLowerCase();
    const name = `durable_rooms_${text.replaceAll(" ", "_")}`;
    const type = name.endsWith("_total") ? "counter" : "gauge";
    const lines = this.#families.get(name) ?? [`# HELP ${name} ${text}`, `# TYPE ${name} ${type}`];
    this.#families.set(name, lines);
    const pairs = Object.entries(labels).map(([label, of]) => `${label}="${escape(of)}"`);
    lines.push(`${name}{${pairs.join(",")}} ${value}`);
  }

  text(): string {
    return [...this.#families.values()].flat().join("\n") + "\n";
  }
}

function escape(value: string): string {
  return value.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n");
}
