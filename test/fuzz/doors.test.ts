import { env, exports } from "cloudflare:workers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { testRoom, token } from "../support/harness.ts";
import type { ConnectOptions, TestClient, TestRoom } from "../support/harness.ts";
import { body, frameText, header, hostileKey, method, query, segment, spoiled } from "./generate.ts";
import { leakIn } from "./leaks.ts";
import { ACTIONS, closed, PATHS, target, TREASURE } from "./target.ts";
import { badTokens, OPERATOR } from "./tokens.ts";

const SECRETS = [env.AUTH_JWT_SECRET, env.SHARD_SECRET];
const ORIGIN = "http://rooms.test";
const TARGETS = [["room", "room" as const] as const, ["shard", "shard" as const] as const];

/** Fails if a text that a client received reveals something internal. */
function expectClean(text: string): void {
  expect(leakIn(text, SECRETS)).toBeUndefined();
}

/** Connects a well-behaved client, which must not notice what hostile clients do. */
async function goodClient(room: TestRoom, options: ConnectOptions = {}): Promise<TestClient> {
  const client = await room.connect({ id: "good", ...options });
  expect(client.state).toMatchObject({ treasure: TREASURE });
  return client;
}

async function expectServed(room: TestRoom, good: TestClient): Promise<void> {
  expect(await good.call("echo", "still here")).toMatchObject({ type: "ack", value: { result: "still here" } });
  expect(good.state).toMatchObject({ treasure: TREASURE });
  expect(await (await room.fetch("/treasure")).json()).toEqual(TREASURE);
  for (const text of good.texts) {
    expectClean(text);
    expect(text).not.toMatch(/"(?:__proto__|constructor|prototype)":/);
  }
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
}

function expectSameObjects(run: () => Promise<void>): Promise<void> {
  const names = () =>
    [Object, Array, Function, String].map((made) => Object.getOwnPropertyNames(made.prototype).join());
  const before = names();
  return run().then(() => expect(names()).toEqual(before));
}

describe("the socket door", () => {
  const frame = fc.oneof(
    { weight: 9, arbitrary: frameText(ACTIONS) },
    {
      weight: 1,
      arbitrary: fc.uint8Array({ maxLength: 100 }).map((bytes) => new Uint8Array(bytes).buffer),
    },
  );

  it.each(TARGETS)("P6: at a %s accepts any input, and serves the others as before", async (_, via) => {
    const room = testRoom(target, `open-${crypto.randomUUID()}`);
    const good = await goodClient(room, { via });
    let frames = 0;
    await expectSameObjects(() =>
      fc.assert(
        fc.asyncProperty(fc.array(frame, { minLength: 20, maxLength: 60 }), query, async (sent, asked) => {
          const hostile = await room.open({ via, query: asked });
          for (const one of sent) hostile.send(one);
          frames += sent.length;
          // Afterwards the room still answers it, unless it was closed for a frame.
          hostile.send({ action: "echo", value: 1, id: "the end" });
          await Promise.race([hostile.until(({ value }) => value?.["id"] === "the end"), hostile.closed]);
          for (const text of hostile.texts) expectClean(text);
          hostile.close();
        }),
        { numRuns: 30 },
      ),
    );
    await expectServed(room, good);
    expect(frames).toBeGreaterThan(800);
  });
});

describe("the HTTP door", () => {
  const request = fc.record({
    party: fc.oneof({ weight: 6, arbitrary: fc.constant("its own") }, segment),
    room: fc.oneof({ weight: 6, arbitrary: fc.constant("its own") }, segment),
    path: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...PATHS) },
      fc.array(segment, { maxLength: 3 }).map((parts) => `/${parts.join("/")}`),
    ),
    parameter: segment,
    query,
    method,
    headers: fc.array(header, { maxLength: 4 }),
    body: fc.option(body),
  });

  it("P6.2: answers any request, reveals no internals, and trusts no header", async () => {
    const room = testRoom(target, `open-${crypto.randomUUID()}`);
    const good = await goodClient(room);
    const worlds = ["world/w/connect", "world/w/update-shard", "world/w/register-room", "world/w/registry", "shard/s"];
    let asked = 0;
    await expectSameObjects(() =>
      fc.assert(
        fc.asyncProperty(request, fc.option(fc.constantFrom(...worlds), { freq: 5 }), async (given, world) => {
          const party = given.party === "its own" ? room.party : given.party;
          const id = given.room === "its own" ? room.id : given.room;
          const path = given.path.replace(/:\w+/, () => given.parameter);
          const url = `${ORIGIN}/parties/${world ?? `${party}/${id}${path}`}?${given.query}`;
          const hasBody = given.body !== null && !["GET", "HEAD"].includes(given.method);
          const answer = await exports.default.fetch(url, {
            method: given.method,
            headers: given.headers.map(([name, value]) => [name, value]),
            ...(hasBody && { body: given.body?.toWellFormed() }),
            redirect: "manual",
          });
          asked++;
          const text = await answer.text();
          const head = JSON.stringify([...answer.headers]);
          expectClean(text + head);
          // Only requests that fail in a handler may be answered with 500.
          if (answer.status >= 500) expect(path, `${given.method} ${url}`).toMatch(/^\/(fails|go|echo)/);
          expect(text).not.toContain('"role":"admin"');
        }),
        { numRuns: 700 },
      ),
    );
    await expectServed(room, good);
    expect(asked).toBeGreaterThan(600);
  });
});

describe("credentials", () => {
  it("P1.4: invalid tokens give no access, wherever they are sent", async () => {
    const { AUTH_JWT_SECRET } = env;
    const tokens = [...(await badTokens(AUTH_JWT_SECRET)), ...(await badTokens(AUTH_JWT_SECRET, OPERATOR))];
    const room = testRoom(target, `open-${crypto.randomUUID()}`);
    const locked = testRoom(closed, "closed-1");
    const good = await goodClient(room);
    const ask = (path: string, shown: string, isHeader: boolean, parameter = "token", init: RequestInit = {}) =>
      exports.default.fetch(
        `${ORIGIN}/parties/${path}${isHeader ? "" : `?${parameter}=${encodeURIComponent(shown)}`}`,
        { ...init, ...(isHeader && { headers: { authorization: `Bearer ${shown}` } }) },
      );
    const check = async (shown: string, isHeader: boolean) => {
      // An HTTP header cannot hold a token with whitespace.
      if (isHeader && /\s/.test(shown)) return;
      // Skip a text whose doubled form is one of the bad tokens: the text itself may be valid.
      if (tokens.includes(`${shown}.${shown}`)) return;
      const answers = [
        await ask(`${locked.party}/closed-1/treasure`, shown, isHeader),
        await ask(`${room.party}/${room.id}/treasure`, shown, isHeader, "token", { method: "DELETE" }),
        await ask("world/w/registry", shown, isHeader, "world-auth-token"),
        await ask("world/w/scale-room", shown, isHeader, "world-auth-token", { method: "POST", body: "{}" }),
      ];
      for (const answer of answers) {
        const text = await answer.text();
        expect([401, 403], `${shown.slice(0, 100)}: ${text}`).toContain(answer.status);
        expectClean(text);
        expect(text).not.toContain(shown.length > 5 ? shown : SECRETS[0]);
      }
    };
    for (const shown of tokens) for (const isHeader of [true, false]) await check(shown, isHeader);
    await fc.assert(fc.asyncProperty(spoiled(tokens), fc.boolean(), check), { numRuns: 60 });
    for (const shown of tokens.slice(0, 30)) {
      const client = await room.open({ token: shown, via: "room" });
      expect((await client.closed).code, shown.slice(0, 100)).toBe(4401);
    }
    await expectServed(room, good);
  });

  it("P2.3, P2.5: stolen, guessed or used ids and transfer tokens give no access", async () => {
    const room = testRoom(target, `open-${crypto.randomUUID()}`);
    const next = room.sibling(`open-${crypto.randomUUID()}`);
    const alice = await room.connect({ id: "alice's", token: await token({ sub: "alice" }), via: "room" });
    const thief = { id: "alice's", via: "room" } as const;
    const code = async (where: TestRoom, options: ConnectOptions) => (await (await where.open(options)).closed).code;
    expect(await code(room, thief)).toBe(4403);
    const eve = await room.connect({ ...thief, token: await token({ sub: "eve" }) });
    expect(eve.publicId).not.toBe(alice.publicId);
    expect((await eve.call("move", next.id)).value["result"], "Eve has her own session, and can leave").toMatch(
      /^[A-Za-z0-9_-]{43}$/,
    );
    expect(await code(room, { ...thief, token: await token({}) })).toBe(4403);
    const moved = await alice.call("move", next.id);
    const ticket = moved.value["result"] as string;
    expect(ticket).toMatch(/^[A-Za-z0-9_-]{43}$/);
    const sub = await token({ sub: "alice" });
    expect(await code(next, { query: `transferToken=${ticket}`, via: "room" }), "without Alice's token").toBe(4403);
    expect(await code(next, { id: "eve's", query: `transferToken=${ticket}`, token: sub, via: "room" })).toBe(4403);
    expect(await code(room, { query: `transferToken=${ticket}`, token: sub, via: "room" }), "in another room").toBe(
      4403,
    );
    const arrived = await next.connect({ query: `transferToken=${ticket}`, token: sub, via: "room" });
    expect(arrived.publicId).toBe(alice.publicId);
    expect(await code(next, { query: `transferToken=${ticket}`, token: sub, via: "room" }), "a second time").toBe(4403);
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.stringMatching(/^[A-Za-z0-9_-]{43}$/), hostileKey), async (guess) => {
        if (guess === "") return;
        const asked = `transferToken=${encodeURIComponent(guess.toWellFormed())}`;
        expect(await code(next, { query: asked, via: "room" })).toBe(4403);
      }),
      { numRuns: 60 },
    );
  });

  it("P9.6: a World trusts no caller that claims to be a shard, and no shard without its secret", async () => {
    const report = (headers: Record<string, string>, worldId = "w") =>
      exports.default.fetch(`${ORIGIN}/parties/world/${worldId}/update-shard`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify({ shardId: "s", connections: 0 }),
      });
    const secret = env.SHARD_SECRET;
    const wrong = [
      secret.slice(0, -1),
      `${secret}x`,
      secret.toUpperCase(),
      "undefined",
      env.AUTH_JWT_SECRET,
      "a".repeat(9000),
    ];
    for (const shown of wrong) {
      const answer = await report({ "x-access-shard": shown });
      expect(answer.status).toBe(403);
      expectClean(await answer.text());
    }
    const spoofed = encodeURIComponent(JSON.stringify({ worlds: "*" }));
    for (const headers of [
      {},
      { "x-durable-rooms-auth": spoofed },
      { "X-Durable-Rooms-Auth": spoofed },
      { "x-access-shard": "" },
    ]) {
      expect((await report(headers as never)).status).toBe(401);
    }
    // With the secret the report is accepted, but this World has no such shard.
    expect((await report({ "x-access-shard": secret })).status).toBe(404);
  });
});
