import type { RecordableHistogram } from "node:perf_hooks";
import type { LoadSettings } from "./settings.ts";
import type { Counted, Tally } from "./tally.ts";

/** Times in ms; null where there was nothing to measure. */
interface Times {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

/** What a load showed, as `--json` prints it. */
export interface Summary {
  readonly target: string;
  readonly room: string;
  readonly action: string;
  readonly clients: { readonly asked: number; readonly connected: number; readonly ms: Times };
  /** While it was measured: from when all were there until nobody acted any more. */
  readonly seconds: number;
  /** Each that was sent is one of the three. */
  readonly actions: {
    readonly sent: number;
    readonly answered: number;
    readonly refused: number;
    readonly unanswered: number;
  };
  readonly latencyMs: Times;
  /** `wireBytes` are as they came, compressed if they were. */
  readonly received: { readonly packets: number; readonly bytes: number; readonly wireBytes: number };
  /** Whether compression was offered. */
  readonly compress: boolean;
  /** Of actions, by their codes. */
  readonly refusals: Readonly<Record<string, Counted>>;
  /** What else went wrong, by its code: no answer in time, a World that said no. */
  readonly errors: Readonly<Record<string, Counted>>;
  /** Connections that the service ended, or the network. */
  readonly closes: Readonly<Record<string, Counted>>;
  /** How much of a core this process used. Near 1 it cannot keep up itself, and its times are too long. */
  readonly ownCpu: number;
}

export function summarize(settings: LoadSettings, tally: Tally, ownCpu: number): Summary {
  const { seconds, packets, bytes, wireBytes } = tally.measured;
  const { sent, refusedCount: refused } = tally;
  const answered = tally.latency.count;
  return {
    target: settings.origin,
    room: settings.room,
    action: settings.action,
    clients: { asked: settings.clients, connected: tally.connected, ms: times(tally.connecting) },
    seconds: round(seconds),
    actions: { sent, answered, refused, unanswered: sent - answered - refused },
    latencyMs: times(tally.latency),
    received: { packets, bytes, wireBytes },
    compress: settings.compress,
    refusals: Object.fromEntries(tally.refusals),
    errors: Object.fromEntries(tally.errors),
    closes: Object.fromEntries(tally.closes),
    ownCpu: round(ownCpu),
  };
}

/** The same, for people. */
export function describeSummary(summary: Summary): string {
  const { clients, seconds, actions, latencyMs, received, ownCpu } = summary;
  const perSecond = (total: number) => (seconds > 0 ? total / seconds : 0);
  const size = summary.compress ? `${mb(received.bytes)}, ${mb(received.wireBytes)} on the wire` : mb(received.bytes);
  const rows: (readonly [string, string])[] = [
    ["clients", `${count(clients.connected)} of ${count(clients.asked)} connected   ${describeTimes(clients.ms)}`],
    ["actions", `${count(actions.sent)} sent in ${seconds.toFixed(1)} s, ${count(perSecond(actions.sent))}/s`],
    ["answers", `${count(actions.answered)}; ${count(actions.refused)} refused, ${count(actions.unanswered)} missing`],
    ["latency", describeTimes(latencyMs)],
    ["received", `${count(received.packets)} packets, ${count(perSecond(received.packets))}/s; ${size}`],
    ...describeCounts("refused", summary.refusals),
    ...describeCounts("error", summary.errors),
    ...describeCounts("close", summary.closes),
    [
      "this process",
      `${Math.round(ownCpu * 100)} % of a core${ownCpu > 0.9 ? ": the bottleneck is this process" : ""}`,
    ],
  ];
  const lines = rows.map(([name, text]) => `${name.padEnd(14)}${text}`);
  return [`${summary.action} in ${summary.room} at ${summary.target}`, "", ...lines].join("\n");
}

function describeCounts(name: string, counts: Readonly<Record<string, Counted>>): [string, string][] {
  return Object.entries(counts).map(([code, { count: total, reason }]) => [
    name,
    `${code} × ${count(total)}${reason ? ` (${reason})` : ""}`,
  ]);
}

function describeTimes({ p50, p95, p99, max }: Times): string {
  if (p50 === null) return "no measurements";
  return `p50 ${ms(p50)}   p95 ${ms(p95)}   p99 ${ms(p99)}   max ${ms(max)}`;
}

/** The percentiles of a histogram in µs. */
export function times(histogram: RecordableHistogram): Times {
  if (histogram.count === 0) return { p50: null, p95: null, p99: null, max: null };
  const at = (percentile: number) => round(histogram.percentile(percentile) / 1000);
  return { p50: at(50), p95: at(95), p99: at(99), max: round(histogram.max / 1000) };
}

export function ms(value: number | null): string {
  return value === null ? "–" : `${value.toFixed(1)} ms`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en");
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
