import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { cpuTime } from "./load/cpu.ts";
import { LoadSocket } from "./load/socket.ts";
import { prepare } from "./servers.ts";
import type { Server } from "./servers.ts";
import type { CrowdNews, CrowdOrder } from "./storm/crowd.ts";
import type { Manner, Return } from "./storm/returning-client.ts";

const { values: options } = parseArgs({
  options: {
    clients: { type: "string", default: "1000" },
    rounds: { type: "string", default: "1" },
    only: { type: "string" },
  },
});
const clients = Number(options.clients);
const startable = await prepare({ kind: "workerd", file: "workers/storm.ts", objects: { ROOMS: "RoomObject" } });

interface Case {
  readonly manner: Manner;
  readonly isBinary: boolean;
  /** The number of clients that call ten times per second during the storm. */
  readonly actors: number;
}
const CASES: readonly Case[] = [
  { manner: "as told", isBinary: false, actors: 0 },
  { manner: "as told", isBinary: true, actors: 0 },
  { manner: "told nothing", isBinary: false, actors: 0 },
  { manner: "at once", isBinary: false, actors: 0 },
  { manner: "at once, for all", isBinary: false, actors: 0 },
  { manner: "as told", isBinary: false, actors: 10 },
  { manner: "at once", isBinary: false, actors: 10 },
];

/** A client that reconnects at once, and calls ten times per second. */
class Actor {
  readonly latencies: (readonly [at: number, ms: number])[] = [];
  readonly #port: number;
  readonly #path: string;
  #socket: LoadSocket | undefined;
  #calledAt: number | undefined;
  #isLeft = false;

  constructor(port: number, path: string) {
    this.#port = port;
    this.#path = path;
    this.#connect();
    const timer = setInterval(() => this.#call(), 100);
    timer.unref();
  }

  leave(): void {
    this.#isLeft = true;
    this.#socket?.destroy();
  }

  #connect(): void {
    this.#socket = undefined;
    const socket = new LoadSocket(this.#port, this.#path, {
      onMessage: (bytes, start, end) => {
        this.#socket = socket;
        if (bytes.toString("latin1", start, Math.min(end, start + 13)) !== '{"type":"ack"') return false;
        if (this.#calledAt !== undefined) this.latencies.push([Date.now(), performance.now() - this.#calledAt]);
        this.#calledAt = undefined;
        return false;
      },
      onBatch: () => {},
      onClose: () => {
        socket.destroy();
        this.#calledAt = undefined;
        if (!this.#isLeft && this.#socket === socket) this.#connect();
      },
    });
  }

  #call(): void {
    if (!this.#socket || this.#calledAt !== undefined) return;
    this.#calledAt = performance.now();
    this.#socket.send('{"action":"count","id":1}');
  }
}

async function measure(server: Server, { manner, isBinary, actors: count }: Case, name: string): Promise<void> {
  const path = `/parties/main/storm-${name}`;
  const crowd = fork(join(import.meta.dirname, "storm/crowd.ts"), { serialization: "advanced" });
  const next = async () => ((await once(crowd, "message")) as [CrowdNews])[0];
  crowd.send({ port: server.port, path, clients, isBinary, manner } satisfies CrowdOrder);
  const inside = await next();
  if (inside.kind !== "in") throw new Error("unreachable");
  const actors = Array.from({ length: count }, (_, index) => new Actor(server.port, `${path}?id=actor-${index}`));
  await sleep(3000);
  const diedAt = Date.now();
  const before = cpuTime(server.pid);
  const resting = residentOf(server.pid);
  let peak = resting;
  const sampling = setInterval(() => (peak = Math.max(peak, residentOf(server.pid))), 10);
  await fetch(`http://127.0.0.1:${server.port}${path}/die`).catch(() => {});
  const back = await next();
  if (back.kind !== "back") throw new Error("unreachable");
  const { returns } = back;
  clearInterval(sampling);
  const backAt = Math.max(...returns.map(({ currentAt }) => currentAt));
  await sleep(1500);
  const cpu = (cpuTime(server.pid) - before) / 1e6;
  const calm = actors.flatMap(({ latencies }) =>
    latencies.filter(([at]) => at < diedAt || at > backAt + 200).map(([, ms]) => ms),
  );
  const storm = actors.flatMap(({ latencies }) =>
    latencies.filter(([at]) => at > diedAt && at < backAt).map(([, ms]) => ms),
  );
  for (const actor of actors) actor.leave();
  crowd.kill("SIGKILL");
  const own = returns.map(({ attemptAt, currentAt }) => currentAt - attemptAt);
  const bytes = returns.map((each) => each.bytes);
  console.log(
    JSON.stringify({
      manner,
      protocol: isBinary ? 3 : 2,
      spread: inside.spread,
      cpuMs: Math.round(cpu),
      resting,
      grown: Math.round(peak - resting),
      "own p50": at(own, 0.5),
      "own p95": at(own, 0.95),
      "own max": at(own, 1),
      "all within": Math.round(backAt - diedAt),
      resumed: returns.filter(({ isResumed }: Return) => isResumed).length,
      state: inside.stateBytes,
      "bytes p50": at(bytes, 0.5),
      "bytes max": at(bytes, 1),
      ...(count > 0 && {
        "calm p50": at(calm, 0.5),
        "calm p99": at(calm, 0.99),
        "storm p50": at(storm, 0.5),
        "storm p99": at(storm, 0.99),
        "storm max": at(storm, 1),
        calls: storm.length,
      }),
    }),
  );
}

/** The resident memory of a process, in MB. */
function residentOf(pid: number): number {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024);
}

function at(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round((sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? NaN) * 10) / 10;
}

const server = await startable.start();
for (let round = 0; round < Number(options.rounds); round++) {
  for (const [index, each] of CASES.entries()) {
    if (options.only !== undefined && Number(options.only) !== index) continue;
    await measure(server, each, `${round}-${index}`);
  }
}
await server.stop();
process.exit();
