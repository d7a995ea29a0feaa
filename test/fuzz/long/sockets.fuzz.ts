import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { SignJWT } from "jose";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { bundleInto, startWorkerd } from "../../workerd/process.ts";
import type { Workerd } from "../../workerd/process.ts";
import { body, frameText, header, jsonText, method, query, segment, spoiled } from "../generate.ts";
import { leakIn } from "../leaks.ts";
import { ACTIONS, PATHS, TREASURE } from "../target.ts";
import { badTokens } from "../tokens.ts";
import { encodeFrame, upgrade, Wire } from "./raw.ts";
import type { RawFrame } from "./raw.ts";
import { memoryOf, SECRETS } from "./workerd.ts";

/** The total number of inputs: frames and requests. */
const INPUTS = Number(process.env["FUZZ_INPUTS"] ?? 100_000);
const SEED = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);
const AT_ONCE = 8;
/** The memory that a run may leave behind, in MB. A leak of 1 KB per input would exceed it. */
const MOST_GROWTH = { heap: 32, resident: 96 };
const ROOM = "main/open-fuzz";

let workerd: Workerd;
let folder: string;
let shard: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "fuzz-"));
  await bundleInto(folder, join(import.meta.dirname, "../worker.ts"));
  workerd = await startWorkerd(folder, SECRETS);
  const answer = await fetch(`http://127.0.0.1:${workerd.port}/parties/world/w/connect`, {
    method: "POST",
    body: JSON.stringify({ roomId: "open-fuzz" }),
  });
  const { url } = await answer.json<{ url: string }>();
  shard = url;
});
afterAll(async () => {
  await workerd.kill();
  rmSync(folder, { recursive: true });
});

/** A well-behaved client with Node's WebSocket. */
class GoodClient {
  readonly texts: string[] = [];
  readonly socket: WebSocket;
  #waiting = new Set<() => void>();
  #calls = 0;

  constructor(where: string) {
    this.socket = new WebSocket(`ws://127.0.0.1:${workerd.port}/parties/${where}?id=good-${crypto.randomUUID()}`);
    this.socket.addEventListener("message", ({ data }) => {
      this.texts.push(String(data));
      // It also receives what the attackers write, so it drops old texts.
      if (this.texts.length > 2000) this.texts.splice(1, 1000);
      for (const wake of this.#waiting) wake();
      this.#waiting.clear();
    });
    this.socket.addEventListener("close", ({ code }) => this.texts.push(`closed with ${code}`));
  }

  async until(isIt: (text: string) => boolean): Promise<string> {
    for (;;) {
      const found = this.texts.find(isIt);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  async expectServed(): Promise<void> {
    const id = `good-${this.#calls++}`;
    this.socket.send(JSON.stringify({ action: "echo", value: "served", id }));
    const answer = await this.until((text) => text.includes(`"id":"${id}"`));
    expect(JSON.parse(answer)).toEqual({ type: "ack", value: { id, result: "served" } });
  }
}

const invalidText = fc.constantFrom([0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe2, 0x82]);
const text = frameText(ACTIONS).map((frame) => ({ opcode: 1, payload: Buffer.from(frame) }));
const closing = fc
  .tuple(
    fc.constantFrom(0, 999, 1000, 1001, 1004, 1005, 1006, 1015, 2000, 3000, 4999, 5000, 65_535),
    invalidText,
    fc.boolean(),
  )
  .map(([code, bad, isBad]) => Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(isBad ? bad : [])]));

/**
 * Frames that reach a room or that a good runtime refuses. Pings are left out, both as text and as frames: the runtime
 * answers them itself, and if the room sends something at that moment, the socket breaks without an event. Nobody can
 * tell then that the client is gone. https://github.com/cloudflare/workerd/pull/1130
 */
const frame: fc.Arbitrary<RawFrame> = fc.oneof<fc.MaybeWeightedArbitrary<RawFrame>[]>(
  { weight: 100, arbitrary: text },
  {
    weight: 6,
    arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => ({ opcode: 2, payload: Buffer.from(bytes) })),
  },
  {
    weight: 3,
    arbitrary: invalidText.map((bytes) => ({
      opcode: 1,
      payload: Buffer.from([...Buffer.from('{"action":"'), ...bytes]),
    })),
  },
  { weight: 2, arbitrary: fc.constant({ opcode: 10, payload: Buffer.from("x") }) },
);
/** Frames that end a connection. */
const lastFrame: fc.Arbitrary<RawFrame> = fc.oneof<fc.MaybeWeightedArbitrary<RawFrame>[]>(
  { weight: 4, arbitrary: closing.map((payload) => ({ opcode: 8, payload })) },
  fc.constantFrom(3, 7, 11, 15).map((opcode) => ({ opcode, payload: Buffer.from("x") })),
  fc.constant({ opcode: 8, payload: Buffer.alloc(1) }),
  fc.integer({ min: 1, max: 7 }).map((reserved) => ({ opcode: 1, payload: Buffer.from("{}"), reserved })),
  fc.constant({ opcode: 1, payload: Buffer.from("{}"), isMasked: false }),
  fc.constant({ opcode: 0, payload: Buffer.from("{}") }),
  fc.constant({ opcode: 1, payload: Buffer.from("{"), isFinal: false }),
  fc.constantFrom(1000, 70_000, 2 ** 31, 2 ** 40).map((claims) => ({ opcode: 1, payload: Buffer.from("{}"), claims })),
  fc.integer({ min: 65_537, max: 400_000 }).map((size) => ({ opcode: 1, payload: Buffer.alloc(size, "x") })),
);
const end = fc.constantFrom("destroy", "half-close", "wait", "reset");

function checkClean(got: string): void {
  expect(leakIn(got, Object.values(SECRETS))).toBeUndefined();
}

/** One attacker on a socket. @returns the number of its inputs */
async function attackSocket(frames: readonly RawFrame[], last: RawFrame, asked: string, how: string): Promise<number> {
  const wire = new Wire(workerd.port);
  wire.write(upgrade(`/parties/${frames.length % 3 === 0 ? `shard/${shard}` : ROOM}?${asked}`));
  await wire.until((got) => got.includes("\r\n\r\n"));
  for (const one of frames) wire.write(encodeFrame(one));
  // A last valid frame, whose answer shows that all others were read.
  wire.write(encodeFrame({ opcode: 1, payload: Buffer.from('{"action":"echo","value":0,"id":"all-read"}') }));
  await wire.until((got) => got.includes('"id":"all-read"') || got.includes("\x88"));
  wire.write(encodeFrame(last));
  if (how === "half-close") wire.socket.end();
  if (how === "reset") wire.socket.resetAndDestroy();
  if (how === "half-close") await wire.until((got) => got.includes("\x88"));
  checkClean(wire.text);
  wire.destroy();
  return frames.length + 2;
}

const request = fc.record({
  method: fc.oneof(
    { weight: 8, arbitrary: method },
    fc.constantFrom("TRACE", "CONNECT", "FOO", "get", "__proto__", "G T"),
  ),
  path: fc.oneof(
    {
      weight: 5,
      arbitrary: fc
        .tuple(fc.constantFrom(...PATHS), segment)
        .map(([path, part]) => `/parties/${ROOM}${path.replace(/:\w+/, () => part)}`),
    },
    { weight: 3, arbitrary: fc.array(segment, { maxLength: 5 }).map((parts) => `/parties/${parts.join("/")}`) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        "/parties/world/w/connect",
        "/parties/world/w/registry",
        "/parties/world/w/update-shard",
      ),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        "*",
        "//",
        "http://other.test/parties/main/open-fuzz/treasure",
        "/health",
        "/../../etc/passwd",
      ),
    },
  ),
  query,
  headers: fc.array(header, { maxLength: 4 }),
  body,
  trick: fc.constantFrom(
    "",
    "",
    "",
    "",
    "long",
    "short",
    "both",
    "chunks",
    "fold",
    "bare lf",
    "nul",
    "twice",
    "huge",
    "many",
    "upgrade",
    "half",
  ),
});
type Request = typeof request extends fc.Arbitrary<infer R> ? R : never;

/** A request as bytes. Some of them are not valid HTTP. */
function bytesOf({ method, path, query, headers, body, trick }: Request): string {
  const length = Buffer.byteLength(body) + (trick === "long" ? 100 : trick === "short" ? -Math.min(5, body.length) : 0);
  const lines = [
    `${method} ${path}?${query} HTTP/1.1`,
    "Host: fuzz.test",
    ...(trick === "half" ? [] : ["Connection: close"]),
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(trick === "chunks" ? [] : [`Content-Length: ${length}`]),
    ...(trick === "both" || trick === "chunks" ? ["Transfer-Encoding: chunked"] : []),
    ...(trick === "fold" ? ["X-Fold: a\r\n x-durable-rooms-auth: b"] : []),
    ...(trick === "nul" ? ["X-Nul: a\0b"] : []),
    ...(trick === "twice" ? ["Content-Length: 1", "Host: other.test"] : []),
    ...(trick === "huge" ? [`X-Huge: ${"h".repeat(100_000)}`] : []),
    ...(trick === "many" ? Array.from({ length: 500 }, (_, index) => `X-${index}: y`) : []),
    ...(trick === "upgrade" ? ["Upgrade: websocket"] : []),
  ];
  const head = lines.join(trick === "bare lf" ? "\n" : "\r\n");
  const sent = trick === "chunks" ? `zz\r\n${body}\r\n0\r\n\r\n` : body;
  return `${head}\r\n\r\n${sent}`;
}

async function attackHttp(given: Request): Promise<number> {
  const wire = new Wire(workerd.port);
  wire.write(bytesOf(given));
  if (given.trick === "half") wire.socket.end();
  // Do not wait for requests that announce more body than they send. The slow requests below test those.
  if (given.trick !== "long") await wire.ended;
  const got = wire.text;
  checkClean(got);
  const [status = "", ...rest] = got.split("\r\n\r\n");
  const code = Number(/^HTTP\/1\.1 (\d+)/.exec(status)?.[1] ?? 0);
  // The runtime answers CONNECT itself: it does not reach the Worker.
  if (code === 500 && given.method !== "CONNECT")
    expect(given.path, `${given.method} ${given.path}?${given.query}\n${got}`).toMatch(/\/(fails|go|echo)\b/);
  expect(rest.join("")).not.toContain('"role":"admin"');
  wire.destroy();
  return 1;
}

/** Runs attacks with generated inputs until there were enough. A few run at the same time. */
async function attack<T>(inputs: fc.Arbitrary<T>, count: number, run: (input: T) => Promise<number>): Promise<number> {
  const source = fc.sample(fc.infiniteStream(inputs), { numRuns: 1, seed: SEED })[0] as Iterator<T>;
  let done = 0;
  const lanes = Array.from({ length: AT_ONCE }, async () => {
    while (done < count) {
      const input = source.next().value as T;
      try {
        done += await run(input);
      } catch (error) {
        const said = workerd.log().slice(-1500);
        throw new Error(`seed ${SEED}: ${JSON.stringify(input).slice(0, 2000)}\n${said}`, { cause: error });
      }
    }
  });
  await Promise.all(lanes);
  return done;
}

const socketAttack = fc.tuple(fc.array(frame, { minLength: 10, maxLength: 60 }), lastFrame, query, end);

it(`a service on real sockets survives ${INPUTS} hostile inputs`, async () => {
  const good = [new GoodClient(ROOM), new GoodClient(`shard/${shard}`)];
  for (const client of good) await client.until((text) => text.includes('"pId"'));
  const tokens = await badTokens(SECRETS.AUTH_JWT_SECRET);
  // Requests that never end stay open for the whole run.
  const slow = Array.from({ length: 50 }, (_, index) => {
    const wire = new Wire(workerd.port);
    const head = `POST /parties/${ROOM}/any HTTP/1.1\r\nHost: f\r\nContent-Length: 1000\r\n\r\n{"a":`;
    wire.write(index % 2 === 0 ? head : head.slice(0, 20 + index));
    return wire;
  });
  const round = async (inputs: number) => {
    const onSockets = await attack(socketAttack, inputs * 0.8, (input) => attackSocket(...input));
    const onHttp = await attack(request, inputs * 0.18, attackHttp);
    const shown = await attack(
      fc.tuple(spoiled(tokens), fc.constantFrom("/treasure", "/auth")),
      inputs * 0.02,
      async ([token, path]) => {
        const asked = `http://127.0.0.1:${workerd.port}/parties/main/closed-1${path}?token=${encodeURIComponent(token)}`;
        const answer = await fetch(asked);
        expect([401, 403, 404]).toContain(answer.status);
        checkClean(await answer.text());
        return 1;
      },
    );
    for (const client of good) await client.expectServed();
    return onSockets + onHttp + shown;
  };
  // The first tenth fills caches. Memory that grows after that is kept for each input.
  let done = await round(INPUTS / 10);
  const before = await memoryOf(workerd);
  for (let index = 0; index < 9; index++) {
    done += await round(INPUTS / 10);
    const { resident, heap } = await memoryOf(workerd);
    console.log(`${done} inputs, ${Math.round(resident)} MB resident, ${Math.round(heap)} MB of heap`);
  }
  await flood();
  for (const wire of slow) wire.destroy();
  // All attackers are disconnected, however their connections ended.
  await vi.waitFor(async () => {
    const here = await fetch(`http://127.0.0.1:${workerd.port}/parties/${ROOM}/here`);
    expect(await here.json()).toBe(good.length);
  }, 10_000);
  for (const client of good) await client.expectServed();
  expect(workerd.isAlive()).toBe(true);
  const after = await memoryOf(workerd);
  console.log(`seed ${SEED}: ${done} inputs`, { before, after });
  expect(done).toBeGreaterThanOrEqual(INPUTS);
  expect(after.heap - before.heap).toBeLessThan(MOST_GROWTH.heap);
  expect(after.resident - before.resident).toBeLessThan(MOST_GROWTH.resident);
  const seen = await fetch(`http://127.0.0.1:${workerd.port}/parties/${ROOM}/treasure`);
  expect(await seen.json()).toEqual(TREASURE);
  const late = new GoodClient(ROOM);
  const first = await late.until((text) => text.includes('"pId"'));
  expect((JSON.parse(first) as { value: unknown }).value).toMatchObject({ treasure: TREASURE });
  for (const client of [...good, late]) {
    for (const text of client.texts) {
      checkClean(text);
      expect(text).not.toMatch(/"(?:__proto__|constructor|prototype)":/);
    }
    client.socket.close();
  }
  // Its log does not contain secrets either.
  for (const secret of Object.values(SECRETS)) expect(workerd.log()).not.toContain(secret);
  // A valid token of an admin works, so the other tokens were refused because they are invalid.
  const token = await new SignJWT({ role: "admin" })
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(SECRETS.AUTH_JWT_SECRET));
  expect((await fetch(`http://127.0.0.1:${workerd.port}/parties/main/closed-1/treasure?token=${token}`)).status).toBe(
    200,
  );
}, 3_600_000);

/** Sends messages as fast as possible without reading: the sender must be closed. */
async function flood(): Promise<void> {
  for (const where of [ROOM, `shard/${shard}`]) {
    const wire = new Wire(workerd.port);
    wire.write(upgrade(`/parties/${where}`));
    await wire.until((got) => got.includes("\r\n\r\n"));
    const [value] = fc.sample(jsonText, { numRuns: 1, seed: SEED });
    const message = encodeFrame({ opcode: 1, payload: Buffer.from(`{"action":"echo","value":${value}}`) });
    wire.write(Buffer.concat(Array.from({ length: 3000 }, () => message)));
    // The close code 4429, as two bytes.
    expect(await wire.until((got) => got.includes("\x11\x4d")), where).toBe(true);
    wire.destroy();
  }
}
