import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { cpuTime } from "./load/cpu.ts";
import type { Place } from "./load/jobs.ts";
import { Walk } from "./load/moves.ts";
import type { Newcomer } from "./load/protocol.ts";
import { PROTOCOLS } from "./load/protocols.ts";
import { isPinned } from "./servers.ts";
import { prepareAll, Stage } from "./stage.ts";
import { VARIANTS } from "./variants.ts";
import type { VariantName } from "./variants.ts";

/**
 * `npm run bench:browser`: what goes over the wire to clients that offer compression, as browsers do, and what that costs
 * the server; with servers that compress, and with those that do not. `--publish` writes it into docs/benchmarks.md.
 */
const DOCUMENT = join(import.meta.dirname, "../../docs/benchmarks.md");
const MARKS = /(<!-- browser -->\n)[^]*(<!-- end of browser -->)/;
const LOAD_CORE = "1";
const [WARM_UP, DURATION] = [1000, 3000];

const GATHERING: readonly VariantName[] = ["a50", "a50binary", "b50", "b50binary", "c50", "e"];
/** What clients do. */
interface Load {
  readonly clients: number;
  /** Moves of each in a second. */
  readonly rate: number;
  /** The width of the map that they walk over. If it is missing, they jump, and all of them see it. */
  readonly map?: number;
  /** How many see a move, if not all do. */
  readonly seers?: number;
}
const SCENARIOS = {
  s1: { clients: 10, rate: 20, variants: [...GATHERING, "d"] },
  // Those that send at once fall behind.
  s2: { clients: 100, rate: 5, variants: GATHERING },
  s3: { clients: 300, rate: 1, variants: GATHERING },
  all: { clients: 100, rate: 20, variants: GATHERING },
  // As many in an area as in the scenario of the same name. At the borders of this smaller map there are fewer.
  crowd: { clients: 300, rate: 5, map: 560, seers: 26, variants: ["agrid", "bnear50", "bnear50binary", "eview"] },
} satisfies Record<string, Load & { variants: readonly VariantName[] }>;
type ScenarioName = keyof typeof SCENARIOS;

/** Of all clients together. */
interface Counts {
  moves: number;
  packets: number;
  wire: number;
}

/** A client with the WebSocket of a library, which inflates what comes. */
class BrowserClient {
  readonly #socket: WebSocket;
  readonly #place: Place;
  readonly #counts: Counts;
  readonly #walk: Walk | undefined;

  static async enter(place: Place, index: number, counts: Counts, map?: number): Promise<BrowserClient> {
    const path = await PROTOCOLS[place.protocol].address(
      place.port,
      place.paths[index % place.paths.length] ?? "",
      index,
    );
    const client = new BrowserClient(place, path, counts, map === undefined ? undefined : new Walk(map, index));
    await client.#in;
    return client;
  }

  readonly #in: Promise<void>;

  private constructor(place: Place, path: string, counts: Counts, walk: Walk | undefined) {
    this.#place = place;
    this.#counts = counts;
    this.#walk = walk;
    this.#socket = new WebSocket(`ws://127.0.0.1:${place.port}${path}`, { perMessageDeflate: true });
    let readBefore = 0;
    let response: IncomingMessage | undefined;
    this.#socket.on("upgrade", (upgrade) => {
      response = upgrade;
      readBefore = upgrade.socket.bytesRead;
    });
    this.#in = new Promise((resolve, reject) => {
      const protocol = PROTOCOLS[place.protocol];
      const newcomer: Newcomer = { answer: (message) => this.#socket.send(message) };
      let isIn = false;
      this.#socket.on("message", (data: Buffer, isBinary) => {
        const read = response?.socket.bytesRead ?? 0;
        this.#counts.packets++;
        this.#counts.wire += read - readBefore;
        readBefore = read;
        // Of the binary protocol any frame is from a room that it is in.
        isIn ||= (isBinary && place.protocol === "json") || protocol.welcome(data, 0, data.length, newcomer);
        if (isIn) resolve();
        for (const request of protocol.requests(data, 0, data.length)) this.#socket.send(`{"confirm":${request}}`);
      });
      this.#socket.on("error", reject);
      this.#socket.on("close", (code, reason) => reject(new Error(`closed with ${code} ${reason.toString()}`)));
    });
  }

  move(): void {
    this.#counts.moves++;
    const jump = () => 100 + Math.floor(Math.random() * 900);
    const to = this.#walk?.next(0) ?? { x: jump(), y: jump() };
    this.#socket.send(PROTOCOLS[this.#place.protocol].action("move", to));
  }

  leave(): void {
    this.#socket.terminate();
  }
}

/** What came over the wire for a packet to a client, and for each move and client; and the server's CPU time for these, in µs. */
interface Found {
  readonly packet: number;
  readonly wire: number;
  readonly cpu: number;
}

async function measure(place: Place, { clients, rate, map, seers = clients }: Load): Promise<Found> {
  const counts: Counts = { moves: 0, packets: 0, wire: 0 };
  const all = await Promise.all(
    Array.from({ length: clients }, (_, index) => BrowserClient.enter(place, index, counts, map)),
  );
  // Each has a phase of its own.
  const timers = all.map((client, index) => {
    const period = 1000 / rate;
    const begin = setTimeout(
      () => {
        timers[index] = setInterval(() => client.move(), period);
      },
      (index / clients) * period,
    );
    return begin;
  });
  await sleep(WARM_UP);
  const before = { ...counts, cpu: cpuTime(place.pid) };
  await sleep(DURATION);
  const delivered = (counts.moves - before.moves) * seers;
  const found = {
    packet: (counts.wire - before.wire) / (counts.packets - before.packets),
    wire: (counts.wire - before.wire) / delivered,
    cpu: (cpuTime(place.pid) - before.cpu) / 1000 / delivered,
  };
  for (const timer of timers) clearTimeout(timer);
  for (const client of all) client.leave();
  await sleep(300);
  return found;
}

if (isPinned) execFileSync("taskset", ["-cp", LOAD_CORE, String(process.pid)]);
const names = Object.keys(SCENARIOS) as ScenarioName[];
const found = new Map<string, Found>();
const programs = await prepareAll([...new Set(Object.values(SCENARIOS).flatMap(({ variants }) => variants))]);
for (const compresses of [false, true]) {
  await Stage.with(
    programs,
    async (stage) => {
      for (const name of names) {
        for (const variant of SCENARIOS[name].variants) {
          // A room of its own: in one that another variant used, those who left are still users for a while.
          const place = await stage.place(variant, `browser-${name}-${variant}`);
          found.set(`${name} ${variant} ${compresses}`, await measure(place, SCENARIOS[name]));
        }
        console.error(`${name}, ${compresses ? "compressed" : "not compressed"}`);
      }
    },
    compresses,
  );
}
function shown(value = NaN): string {
  return value < 10 ? value.toPrecision(2) : value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString("en-US");
}
const rows = names.flatMap((name) =>
  SCENARIOS[name].variants.map((variant) => {
    const [plain, compressed] = [false, true].map((on) => found.get(`${name} ${variant} ${on}`) as Found);
    const cells = [plain, compressed].flatMap((one) => [one?.packet, one?.wire, one?.cpu]).map(shown);
    return `| ${name} | ${VARIANTS[variant].title} | ${cells.join(" | ")} |`;
  }),
);
const table = [
  "| | | bytes/packet | bytes/move·client | µs/move·client | compressed: bytes/packet | bytes/move·client | µs/move·client |",
  "| --- | --- | --- | --- | --- | --- | --- | --- |",
  ...rows,
].join("\n");
console.log(table);
if (process.argv.includes("--publish")) {
  const text = await readFile(DOCUMENT, "utf8");
  if (!MARKS.test(text)) throw new Error("docs/benchmarks.md has no place for this");
  await writeFile(
    DOCUMENT,
    text.replace(MARKS, (_, start, end) => `${start}\n${table}\n\n${end}`),
  );
}
process.exit();
