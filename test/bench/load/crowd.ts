import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, Tally } from "./client.ts";
import { cpuTime } from "./cpu.ts";
import type { Billed, Burst, Figures, Job, Place, Rows, Workload } from "./jobs.ts";

/** How long a server may take to accept clients, to answer, or to become idle, in ms. */
const PATIENCE = 20_000;
/** A little more than the longest time that any of the servers waits before it stores changes, in ms. */
const STORES_WITHIN = 2000;

export class Crowd {
  readonly tally = new Tally();
  readonly clients: Client[] = [];
  readonly #place: Place;
  readonly #map: number | undefined;

  /** @param map the width of the map on which the clients walk; undefined if they do not walk */
  constructor(place: Place, map?: number) {
    this.#place = place;
    this.#map = map;
  }

  /** Connects all clients at once. @returns the time until the last one had its first packet, in ms */
  async join(count: number): Promise<number> {
    const start = performance.now();
    const first = this.clients.length;
    for (let index = 0; index < count; index++) {
      this.clients.push(new Client(this.#place, first + index, this.tally, this.#map));
    }
    await within(Promise.all(this.clients.map(({ ready }) => ready)), () => {
      const there = this.clients.filter(({ isReady }) => isReady).length;
      return `Only ${there} of ${this.clients.length} clients were let in`;
    });
    return performance.now() - start;
  }

  /** Waits until the server is nearly idle. */
  async rest(): Promise<void> {
    const deadline = performance.now() + PATIENCE;
    let before = cpuTime(this.#place.pid);
    let quiet = 0;
    while (quiet < 2 && performance.now() < deadline) {
      await sleep(60);
      const now = cpuTime(this.#place.pid);
      quiet = now - before < 2e6 ? quiet + 1 : 0;
      before = now;
    }
  }

  /** Moves each player to where its walk begins, and waits until all clients know which players they see. */
  async spread(): Promise<void> {
    for (const client of this.clients) client.act("move");
    await this.rest();
  }

  /** Adds players to the room that only stand there. */
  seed(count: number): void {
    this.clients[0]?.say(JSON.stringify({ action: "seed", value: count }));
  }

  /** Waits until the players are stored, then stores them as if many players were moving: see workers/rooms.ts. */
  async keepBusy(): Promise<void> {
    await sleep(STORES_WITHIN);
    this.clients[0]?.say(JSON.stringify({ action: "journal", value: { x: 0, y: 0 } }));
    await this.rest();
  }

  /** Measures what it costs to accept this many clients at once. */
  async measureJoin(count: number): Promise<Burst> {
    return this.#measure(() => this.join(count));
  }

  /** Measures what the first action after a pause costs, until the room is idle again. */
  async measureWake(): Promise<Burst> {
    const [client] = this.clients as [Client];
    return this.#measure(async () => {
      const start = performance.now();
      const seen = new Promise<void>((resolve) => (client.onSeen = resolve));
      client.act("move");
      await within(seen, () => "The room does not answer");
      return performance.now() - start;
    });
  }

  /** Counts the rows that joins and actions write. The server must count rows, and do nothing else meanwhile. */
  async measureRows({ clients, actions, ms }: Extract<Job, { kind: "rows" }>): Promise<Rows> {
    const { rows: before } = await this.#counts();
    await this.join(clients);
    await sleep(STORES_WITHIN);
    const { rows: joined } = await this.#counts();
    const turns = actions / clients;
    for (let turn = 0; turn < turns; turn++) {
      for (const client of this.clients) client.act("move");
      await sleep(ms / turns);
    }
    await sleep(STORES_WITHIN);
    const perAction = ((await this.#counts()).rows - joined) / (turns * clients);
    return { perJoin: (joined - before) / clients, per1000Actions: perAction * 1000 };
  }

  /** Measures what is billed while all clients move. It starts once they have moved for a while. */
  async measureCost({ clients, rate, ms }: Extract<Job, { kind: "cost" }>): Promise<Billed> {
    await this.join(clients);
    const stop = this.#atRate({ action: "move", rate, warmUp: 0, duration: 2 * STORES_WITHIN + ms });
    await sleep(2 * STORES_WITHIN);
    const before = await this.#counts();
    const { sent } = this.tally;
    const start = performance.now();
    await sleep(ms);
    const seconds = (performance.now() - start) / 1000;
    const messages = this.tally.sent - sent;
    const { rows, alarms } = await this.#counts();
    stop();
    return {
      clients,
      rows: (rows - before.rows) / seconds,
      alarms: (alarms - before.alarms) / seconds,
      messages: messages / seconds,
    };
  }

  async #counts(): Promise<{ readonly rows: number; readonly alarms: number }> {
    const response = await fetch(`http://127.0.0.1:${this.#place.port}/rows`);
    return await response.json<{ rows: number; alarms: number }>();
  }

  async #measure(burst: () => Promise<number>): Promise<Burst> {
    const { tally } = this;
    tally.reset();
    const before = { server: cpuTime(this.#place.pid), own: cpuTime(process.pid) };
    const ms = await burst();
    const ownCpu = (cpuTime(process.pid) - before.own) / 1e3;
    await this.rest();
    const serverCpu = (cpuTime(this.#place.pid) - before.server) / 1e3;
    return { clients: this.clients.length, ms, serverCpu, ownCpu, packets: tally.packets, bytes: tally.bytes };
  }

  async run(load: Workload): Promise<Figures> {
    const stop = load.inFlight === undefined ? this.#atRate(load) : this.#inClosedLoop(load, load.inFlight);
    await sleep(load.warmUp);
    const calls = await this.#calls();
    this.tally.reset();
    const before = { wall: performance.now(), server: cpuTime(this.#place.pid), own: cpuTime(process.pid) };
    await sleep(load.duration);
    const wall = performance.now() - before.wall;
    const { packets, bytes, sent, done, latencies } = this.tally;
    const figures: Figures = {
      clients: this.clients.length,
      ms: wall,
      sent,
      done,
      offered: load.inFlight === undefined ? ((this.clients.length * (load.rate ?? 0)) / 1000) * wall : sent,
      serverCpu: (cpuTime(this.#place.pid) - before.server) / 1e3,
      ownCpu: (cpuTime(process.pid) - before.own) / 1e3,
      packets,
      bytes,
      latency: percentiles(latencies),
    };
    const allCalls = await this.#calls();
    stop();
    for (const { failed } of this.clients) if (failed) throw new Error(`A client lost its connection: ${failed}`);
    return calls === undefined || allCalls === undefined ? figures : { ...figures, calls: allCalls - calls };
  }

  async #calls(): Promise<number | undefined> {
    const { callers } = this.#place;
    if (!callers) return undefined;
    const counts = await Promise.all(
      callers.map(async (port) => (await fetch(`http://127.0.0.1:${port}/calls`)).json<{ calls: number }>()),
    );
    return counts.reduce((sum, { calls }) => sum + calls, 0);
  }

  leave(): void {
    for (const client of this.clients) client.leave();
  }

  /** Every client acts at a steady rate. The clients are out of phase. */
  #atRate({ action, rate = 1 }: Workload): () => void {
    const period = 1000 / rate;
    const next = this.clients.map((_, index) => performance.now() + phase(index) * period);
    const timer = setInterval(() => {
      const now = performance.now();
      for (const [index, client] of this.clients.entries()) {
        if ((next[index] as number) > now) continue;
        (next[index] as number) += period;
        client.act(action);
      }
    }, 1);
    return () => clearInterval(timer);
  }

  /** Every client acts again as soon as it sees its own action, so that a fixed number of actions is in flight. */
  #inClosedLoop({ action }: Workload, inFlight: number): () => void {
    for (const client of this.clients) {
      client.onSeen = () => client.act(action, inFlight - client.inFlight);
      client.act(action, inFlight);
    }
    return () => {
      for (const client of this.clients) client.onSeen = () => {};
    };
  }
}

/** @throws Error if the event takes too long */
async function within<T>(event: Promise<T>, problem: () => string): Promise<T> {
  const timeout = new AbortController();
  const late = sleep(PATIENCE, undefined, { signal: timeout.signal }).then(() => {
    throw new Error(`${problem()} within ${PATIENCE / 1000} s`);
  });
  try {
    return await Promise.race([event, late]);
  } finally {
    timeout.abort();
    late.catch(() => {});
  }
}

/** Numbers from 0 to 1, evenly distributed and without a pattern. They are the same in each run. */
function phase(index: number): number {
  return (index * 0.6180339887498949) % 1;
}

function percentiles(values: number[]): Figures["latency"] {
  const sorted = Float64Array.from(values).toSorted();
  const at = (share: number) => sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? NaN;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
