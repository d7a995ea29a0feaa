import type { Cost } from "../../platform/cost.ts";
import type { FlowReport, ObjectMetrics } from "../../platform/metrics.ts";
import { Chart } from "./chart.ts";
import { make, write } from "./dom.ts";
import { bytes, count, dollars, duration, short } from "./format.ts";

/** The changes per second between two readings of the counters. */
interface Rates {
  readonly messages: number;
  readonly packets: number;
  readonly bytes: number;
}

/** A room that cannot start does not know how far clients are behind. */
type Metrics = ObjectMetrics & Partial<FlowReport>;

/** Numbers of an object, and charts of its activity per second. */
export class Counters {
  readonly charts: HTMLElement;
  readonly tiles: HTMLElement;
  readonly #messages = new Chart("messages/s in", short);
  readonly #packets = new Chart("packets/s out", short);
  readonly #bytes = new Chart("bytes/s", bytes);
  readonly #values = new Map<string, HTMLElement>();
  #last: ObjectMetrics | undefined;

  constructor() {
    this.charts = make("div", { class: "charts" });
    for (const chart of [this.#messages, this.#packets, this.#bytes]) this.charts.append(chart.element);
    this.tiles = make("dl", { class: "tiles" });
  }

  draw(metrics: Metrics, extra: readonly (readonly [name: string, value: string])[]): void {
    const rates = this.#last && ratesOf(this.#last, metrics);
    this.#last = metrics;
    if (rates) {
      this.#messages.add(rates.messages);
      this.#packets.add(rates.packets);
      this.#bytes.add(rates.bytes);
    }
    for (const [name, value] of [...extra, ...tilesOf(metrics)]) this.#tile(name, value);
  }

  #tile(name: string, value: string): void {
    let element = this.#values.get(name);
    if (!element) {
      element = make("dd", { "data-name": name });
      this.#values.set(name, element);
      this.tiles.append(make("div", {}, make("dt", {}, name), element));
    }
    write(element, value);
  }
}

/** Undefined without a previous reading, since an object that woke counts from 0. */
function ratesOf(last: ObjectMetrics, { wokeAt, at, sinceWake: now }: ObjectMetrics): Rates | undefined {
  const seconds = (at - last.at) / 1000;
  if (last.wokeAt !== wokeAt || seconds <= 0) return undefined;
  const before = last.sinceWake;
  return {
    messages: (now.messages - before.messages) / seconds,
    packets: (now.packets - before.packets) / seconds,
    bytes: (now.bytesIn + now.bytesOut - before.bytesIn - before.bytesOut) / seconds,
  };
}

function partsOf({ rows, requests, duration: awake }: Cost): string {
  return `${dollars(rows)} rows, ${dollars(requests)} requests, ${dollars(awake)} duration`;
}

function tilesOf({ at, wokeAt, wokenBy, awake, totals, cost, ...flow }: Metrics): [string, string][] {
  const { unconfirmedBytes = 0, behind = 0, merges = 0, tooSlow = 0 } = flow;
  const reasons = awake.map(({ why, count: times }) => (times > 1 ? `${why} × ${times}` : why));
  return [
    ["keeps it awake", reasons.join(", ") || "nothing"],
    ["in memory", `${duration(at - wokeAt)}, by ${wokenBy}`],
    ["an hour costs", `${dollars(cost.now.total)} now, ${dollars(cost.average.total)} on average`],
    ["of that, now", partsOf(cost.now)],
    ["messages in all", `${count(totals.messages)} in, ${count(totals.packets)} out`],
    ["unconfirmed", `${bytes(unconfirmedBytes)}, ${behind} behind, ${merges} caught up, ${tooSlow} closed`],
    ["traffic in all", `${bytes(totals.bytesIn)} in, ${bytes(totals.bytesOut)} out`],
    ["rows in all", `${count(totals.rowsRead)} read, ${count(totals.rowsWritten)} written`],
  ];
}
