import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Burst, Figures, Place } from "./load/jobs.ts";
import { LoadGenerator } from "./load-generator.ts";
import { summarize, tableOf } from "./report.ts";
import type { Results, Sample } from "./report.ts";
import { SCENARIOS } from "./scenarios.ts";
import type { Scenario, ScenarioName } from "./scenarios.ts";
import { isPinned, prepare } from "./servers.ts";
import type { Server } from "./servers.ts";
import { SERVERS, VARIANTS } from "./variants.ts";
import type { ServerName, VariantName } from "./variants.ts";

/** After so long without events workerd takes an object out of memory. ms */
const SLEEPS_AFTER = 10_000;
const SECRETS = {
  AUTH_JWT_SECRET: "a secret of the bench, 32 bytes or more",
  SHARD_SECRET: "a secret of the bench's shards",
};

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    scenario: { type: "string", multiple: true },
    variant: { type: "string", multiple: true },
    out: { type: "string", default: join(import.meta.dirname, "results/last.json") },
  },
});
const rounds = Number(options.rounds ?? (options.quick ? 2 : 5));
const timing = options.quick ? { warmUp: 400, duration: 1000 } : { warmUp: 700, duration: 2000 };
const scenarios = pick("scenario", Object.keys(SCENARIOS) as ScenarioName[], options.scenario);
const variants = pick("variant", Object.keys(VARIANTS) as VariantName[], options.variant);

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    stopping.abort();
    // Processes are ended by the exit handler of servers.ts.
    process.exit(130);
  });
}

await main();

async function main(): Promise<void> {
  const started = Date.now();
  const serverNames = [...new Set(variants.map((name) => VARIANTS[name].server))];
  const programs = new Map(
    await Promise.all(serverNames.map(async (name) => [name, await prepare(SERVERS[name])] as const)),
  );
  const samples: Sample[] = [];
  const load = new LoadGenerator();
  for (let round = 1; round <= rounds; round++) {
    const servers = new Map<ServerName, Server>();
    try {
      for (const [name, program] of programs) servers.set(name, await program.start(SECRETS));
      await warmUp(load, servers);
      for (const scenario of scenarios) {
        const found = await measure(load, servers, scenario, round);
        for (const sample of found) samples.push({ round, scenario, ...sample });
      }
    } finally {
      for (const server of servers.values()) await server.stop();
    }
    console.error(`round ${round} of ${rounds}: ${Math.round((Date.now() - started) / 1000)} s`);
  }
  await load.stop();
  const results: Results = {
    date: new Date().toISOString(),
    isPinned,
    rounds,
    timing,
    sizes: Object.fromEntries([...programs].map(([name, { gzipped }]) => [name, gzipped])),
    samples,
  };
  await mkdir(dirname(options.out), { recursive: true });
  await writeFile(options.out, `${JSON.stringify(results, null, 1)}\n`);
  console.log(tableOf(summarize(results)));
  process.exit();
}

type Found = { variant: VariantName } & ({ figures: Figures } | { burst: Burst } | { failed: string });

/** One scenario with all its variants, one after the other. */
async function measure(
  load: LoadGenerator,
  servers: ReadonlyMap<ServerName, Server>,
  name: ScenarioName,
  round: number,
): Promise<Found[]> {
  const scenario = SCENARIOS[name];
  const chosen = scenario.variants.filter((variant) => variants.includes(variant));
  if (scenario.kind === "wake") return measureWake(load, servers, scenario, chosen);
  const found: Found[] = [];
  for (const variant of chosen) {
    const place = placeOf(servers, variant, `${name}-${round}`);
    try {
      if (scenario.kind === "join") {
        found.push({ variant, burst: await load.do<Burst>({ kind: "join", place, clients: scenario.clients }) });
      } else {
        const { clients, seed = 0, action = "move", rate, inFlight } = scenario;
        const workload = { action, rate, inFlight, ...timing };
        found.push({ variant, figures: await load.do<Figures>({ kind: "run", place, clients, seed, load: workload }) });
      }
    } catch (error) {
      found.push({ variant, failed: String(error) });
      console.error(`${name} ${variant}: ${String(error)}`);
    }
  }
  return found;
}

/** All rooms fall asleep at the same time; then they are woken one by one. */
async function measureWake(
  load: LoadGenerator,
  servers: ReadonlyMap<ServerName, Server>,
  { clients, seed, rooms }: Extract<Scenario, { kind: "wake" }>,
  chosen: readonly VariantName[],
): Promise<Found[]> {
  const numbers = Array.from({ length: rooms }, (_, index) => index);
  const placesOf = (variant: VariantName) => numbers.map((index) => placeOf(servers, variant, `wake-${index}`));
  for (const variant of chosen) {
    for (const place of placesOf(variant)) await load.do({ kind: "settle", place, clients, seed });
  }
  await sleep(SLEEPS_AFTER + 2000);
  const found: Found[] = [];
  for (const variant of chosen) {
    for (const place of placesOf(variant)) {
      found.push({ variant, burst: await load.do<Burst>({ kind: "wake", place }) });
    }
  }
  await load.do({ kind: "leave" });
  return found;
}

/** Lets compilers see the code that is measured. */
async function warmUp(load: LoadGenerator, servers: ReadonlyMap<ServerName, Server>): Promise<void> {
  for (const variant of variants) {
    const place = placeOf(servers, variant, "warm-up");
    const workload = { action: "move", inFlight: 4, warmUp: 0, duration: 1000 };
    await load.do({ kind: "run", place, clients: 20, seed: 0, load: workload });
  }
}

function placeOf(servers: ReadonlyMap<ServerName, Server>, variant: VariantName, room: string): Place {
  const { server, prefix, protocol = "json" } = VARIANTS[variant];
  const { port, pid } = servers.get(server) as Server;
  const path = protocol === "json" ? `/parties/main/${prefix}${room}?id=client-{n}` : room;
  return { port, pid, path, protocol };
}

function pick<T extends string>(what: string, all: readonly T[], wanted: readonly string[] | undefined): readonly T[] {
  if (!wanted) return all;
  const names = wanted.flatMap((list) => list.split(","));
  const unknown = names.find((name) => !(all as readonly string[]).includes(name));
  if (unknown !== undefined) {
    console.error(`There is no ${what} "${unknown}". There are: ${all.join(", ")}`);
    process.exit(2);
  }
  return all.filter((name) => names.includes(name));
}
