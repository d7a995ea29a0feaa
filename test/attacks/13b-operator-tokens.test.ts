import { env, exports } from "cloudflare:workers";
import { signal } from "@signe/reactive";
import { SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { sync } from "../../src/state/fields.ts";
import { testRoom } from "../support/harness.ts";

const AUDIENCE = "durable-rooms-operator";
const definition = defineRoom({
  path: "room-{id}",
  auth: "required",
  state: () => ({ count: sync(signal(0)) }),
  requests: { "GET /who": { run: ({ auth }) => auth } },
});
const EVERYTHING = { worlds: "*", rooms: "*", inspect: "*", manage: "*" };

function sign(claims: Record<string, unknown>): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: "HS256" })
    .setExpirationTime("1h")
    .sign(new TextEncoder().encode(env.AUTH_JWT_SECRET));
}
async function ask(path: string, claims: Record<string, unknown>, init: RequestInit = {}) {
  const headers = { authorization: `Bearer ${await sign(claims)}` };
  const answer = await exports.default.fetch(`http://rooms.test/parties/${path}`, { ...init, headers });
  return { status: answer.status, text: await answer.text() };
}

describe("a user's token with the claims of an operator, as in a game in which users own worlds and rooms", () => {
  const room = testRoom(definition, `room-${crypto.randomUUID()}`);
  it.each([
    ["counters of a room", `${room.party}/${room.id}/$metrics`, {}],
    ["the inside of a room", `${room.party}/${room.id}/$inspect`, {}],
    ["to end a room's memory", `${room.party}/${room.id}/$evict`, { method: "POST" }],
    ["the registry of a World", "world/w/registry", {}],
    ["to scale a room", "world/w/scale-room", { method: "POST", body: "{}" }],
  ])("is not an operator's: %s", async (_, path, init) => {
    const answer = await ask(path, { sub: "ann", ...EVERYTHING }, init);
    expect(answer.status).toBe(401);
    // The error tells the token's author what the token needs.
    expect(answer.text).toContain(AUDIENCE);
  });

  it("connects its user, with all claims", async () => {
    expect(JSON.parse((await ask(`${room.party}/${room.id}/who`, { sub: "ann", worlds: ["w"] })).text)).toMatchObject({
      sub: "ann",
      worlds: ["w"],
    });
  });
});

describe("an operator's token", () => {
  const room = testRoom(definition, `room-${crypto.randomUUID()}`);
  const operator = { aud: AUDIENCE, ...EVERYTHING };

  it.each([
    ["counters of a room", `${room.party}/${room.id}/$metrics`, {}],
    ["the registry of a World", "world/w/registry", {}],
  ])("gives access to %s", async (_, path, init) => {
    expect((await ask(path, operator, init)).status).toBe(200);
  });

  it("may have further audiences", async () => {
    expect((await ask("world/w/registry", { ...operator, aud: ["my-game", AUDIENCE] })).status).toBe(200);
  });

  it("is not a user's: it is refused with the reason", async () => {
    const answer = await ask(`${room.party}/${room.id}/who`, { sub: "ann", ...operator });
    expect(answer.status).toBe(401);
    expect(answer.text).toContain("operator");
    const client = await room.open({ token: await sign({ sub: "ann", ...operator }), via: "room" });
    expect((await client.closed).code).toBe(4401);
  });

  it("without the claim for this World or room gives no access", async () => {
    expect((await ask("world/w/registry", { aud: AUDIENCE, worlds: "other" })).status).toBe(403);
    expect((await ask(`${room.party}/${room.id}/$metrics`, { aud: AUDIENCE })).status).toBe(403);
  });
});
