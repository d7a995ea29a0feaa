import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { LoadGenerator } from "./load-generator.ts";
import { Measurement } from "./measure.ts";
import { publish } from "./publish.ts";
import { summarize, tableOf } from "./report.ts";
import type { Results, Sample } from "./report.ts";
import { SCENARIOS } from "./scenarios.ts";
import type { ScenarioName } from "./scenarios.ts";
import { isPinned } from "./servers.ts";
import { prepareAll, Stage } from "./stage.ts";
import { VARIANTS } from "./variants.ts";
import type { VariantName } from "./variants.ts";

const HELP = `npm run bench -- [options]
  --quick            short rounds, fewer of them
  --rounds N         default 5, with --quick 2
  --scenario A,B     of ${Object.keys(SCENARIOS).join(", ")}
  --variant A,B      of ${Object.keys(VARIANTS).join(", ")}
  --publish          writes the results into docs/benchmarks.*
  --out FILE         where results go. Default test/bench/results/last.json`;

const { values: options } = parseArgs({
  options: {
    help: { type: "boolean" },
    quick: { type: "boolean", default: false },
    publish: { type: "boolean", default: false },
    rounds: { type: "string" },
    scenario: { type: "string", multiple: true },
    variant: { type: "string", multiple: true },
    out: { type: "string", default: join(import.meta.dirname, "results/last.json") },
  },
});
if (options.help) {
  console.log(HELP);
  process.exit();
}
const rounds = Number(options.rounds ?? (options.quick ? 2 : 5));
const timing = options.quick
  ? { isQuick: true, warmUp: 300, duration: 700 }
  : { isQuick: false, warmUp: 700, duration: 2000 };
const scenarios = pick("scenario", Object.keys(SCENARIOS) as ScenarioName[], options.scenario);
const wanted = pick("variant", Object.keys(VARIANTS) as VariantName[], options.variant);
/** Only variants that one of the scenarios uses. */
const variants = wanted.filter((name) => scenarios.some((scenario) => SCENARIOS[scenario].variants.includes(name)));

// The exit handler of servers.ts ends the processes that were started.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(130));

installPeers();
const results = await run();
await mkdir(dirname(options.out), { recursive: true });
await writeFile(options.out, `${JSON.stringify(results)}\n`);
const rows = summarize(results);
console.log(tableOf(rows));
if (options.publish) await publish(results, rows);
process.exit();

async function run(): Promise<Results> {
  const started = Date.now();
  const programs = await prepareAll(variants);
  const load = new LoadGenerator();
  const samples: Sample[] = [];
  for (let round = 1; round <= rounds; round++) {
    await Stage.with(programs, async (stage) => {
      const measurement = new Measurement(load, stage, timing);
      await measurement.warmUp(variants);
      for (const scenario of scenarios) {
        if (SCENARIOS[scenario].isOnce && round > 1) continue;
        const chosen = SCENARIOS[scenario].variants.filter((variant) => variants.includes(variant));
        for (const found of await measurement.measure(scenario, SCENARIOS[scenario], chosen)) {
          samples.push({ round, scenario, ...found });
          if (found.failed) console.error(`${scenario} ${found.variant}: ${found.failed}`);
        }
      }
    });
    console.error(`round ${round} of ${rounds}: ${Math.round((Date.now() - started) / 1000)} s`);
  }
  await load.stop();
  return {
    date: new Date().toISOString(),
    machine: `${cpus().length} × ${cpus()[0]?.model.trim() ?? ""}`,
    isPinned,
    rounds,
    timing,
    sizes: Object.fromEntries([...programs].map(([name, { gzipped }]) => [name, gzipped])),
    samples,
  };
}

/** Installs the packages of the peers, which are no dependencies of the project, when the benchmark first runs. */
function installPeers(): void {
  const peers = join(import.meta.dirname, "peers");
  if (existsSync(join(peers, "node_modules"))) return;
  console.error("Installing the packages that this project is compared with");
  execFileSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: peers, stdio: "inherit" });
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
