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
 * `npm run bench:browser`: the bytes on the wire to clients that offer compression, as browsers do, and the CPU time of
 * the server for them. It measures servers that compress and servers that do not. `--publish` writes the result into
 * docs/benchmarks.md.
 */
const DOCUMENT = join(import.meta.dirname, "../../docs/benchmarks.md");
const MARKS = /(<!-- browser -->\n)[^]*(<!-- end of browser -->)/;
const LOAD_CORE = "1";
const [WARM_UP, DURATION] = [1000, 3000];

const GATHERING: readonly VariantName[] = ["a50", "a50binary", "b50", "b50binary", "c50", "e"];
/** The load that clients generate. */
interface Load {
  readonly clients: number;
  /** Moves per second of each client. */
  readonly rate: number;
  /** The width of the map on which they walk. If it is missing, they jump, and all of them see it. */
  readonly map?: number;
  /** The number of clients that see a move, if not all of them do. */
  readonly seers?: number;
}
const SCENARIOS = {
  s1: { clients: 10, rate: 20, variants: [...GATHERING, "d"] },
  // Servers that send each change at once cannot keep up with this load.
  s2: { clients: 100, rate: 5, variants: GATHERING },
  s3: { clients: 300, rate: 1, variants: GATHERING },
  all: { clients: 100, rate: 20, variants: GATHERING },
  // The density is that of the scenario with the same name. This smaller map has fewer players at its borders.
  // are fewer.
  crowd: { clients: 300, rate: 5, map: 560, seers: 26, variants: ["agrid", "bnear50", "bnear50binary", "eview"] },
} satisfies Record<string, Load & { variants: readonly VariantName[] }>;
type ScenarioName = keyof typeof SCENARIOS;

/** Totals over all clients. */
interface Counts {
  moves: number;
  packets: number;
  wire: number;
}

/** A client that uses the `ws` library, which decompresses what it receives. */
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
        // A client gets binary frames only after it has joined, so any of them shows that it is in the room.
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

/**
 * The bytes on the wire of one packet to one client, and of one move to one client; and the server's CPU time for the
 * latter, in µs.
 */
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
  // The timers of the clients are out of phase, so that their moves are spread over time.
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
          // Use a new room for each variant. In a shared one, the clients of the previous variant would remain users
          // for a while.
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
