import { env } from "cloudflare:workers";
import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { createWorldTargets } from "../../src/app/world-targets.ts";
import { createApp } from "../../src/app/app.ts";
import { createVerifier } from "../../src/auth/verify.ts";
import type { Verify } from "../../src/auth/verify.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import { findRoom } from "../../src/testing/registry.ts";
import { testRoom as kitRoom } from "../../src/testing/index.ts";
import { sync } from "../../src/state/fields.ts";
import { TestClient, testRoom, token } from "../support/harness.ts";

/** The parts of a request in which a guard can see the client's own token. */
interface Shown {
  readonly header: string | null;
  readonly query: string;
}

const NOTHING: Shown = { header: null, query: "" };

/** A room that checks tokens itself, and records the tokens that its guards see. */
function makeRoom() {
  const guarded: Shown[] = [];
  const shown = (request: Request | undefined): Shown => ({
    header: request?.headers.get("authorization") ?? null,
    query: new URL(request?.url ?? "http://none").search,
  });
  const room = defineRoom({
    path: "room-{id}",
    state: () => ({ count: sync(signal(0)) }),
    guards: [({ request }) => guarded.push(shown(request)) > 0],
    requests: { "GET /shown": { run: ({ request }) => shown(request) } },
  });
  return { room, guarded };
}

const appOf = (verify?: Verify) =>
  createApp({ find: findRoom, verify, cors: false, findWorldTarget: createWorldTargets(undefined) });

/** Connects a client through an app. Resolves with its first packet. */
async function connect(app: ReturnType<typeof appOf>, path: string, headers: Record<string, string> = {}) {
  const { webSocket } = await app.request(path, { headers: { ...headers, upgrade: "websocket" } }, env);
  if (!webSocket) throw new Error("no socket");
  const client = new TestClient(webSocket);
  await client.until(({ type }) => type === "sync");
  return client;
}

describe.each(["room", "shard"] as const)("P1.4: tokens of the app's own, at a %s", (via) => {
  const authorization = "Basic of-the-app";

  it("reach guards and handlers unchanged in a service without auth", async () => {
    const { room, guarded } = makeRoom();
    const place = await testRoom(room).place(via);
    const path = `/parties/${place.party}/${place.room}`;
    const app = appOf();
    const query = "?flag&token=t%20t&token=u";
    const answer = await app.request(`${path}/shown${query}`, { headers: { authorization } }, env);
    const expected = { header: authorization, query };
    expect(await answer.json()).toEqual(expected);
    expect(guarded).toEqual([expected]);
    const client = await connect(app, path + query, { authorization });
    expect(guarded).toEqual([expected, expected]);
    client.close();
  });

  it("do not reach them in a service with auth, and the service's own headers never do", async () => {
    const { room, guarded } = makeRoom();
    const place = await testRoom(room).place(via);
    const path = `/parties/${place.party}/${place.room}`;
    const app = appOf(createVerifier({ secret: "AUTH_JWT_SECRET" }));
    const jwt = await token({ sub: "ada" });
    const headers = { authorization: `Bearer ${jwt}` };
    expect(await (await app.request(`${path}/shown`, { headers }, env)).json()).toEqual(NOTHING);
    expect(await (await app.request(`${path}/shown?token=${jwt}`, { headers }, env)).json()).toEqual(NOTHING);
    const client = await connect(app, `${path}?token=${jwt}`, { authorization });
    expect(guarded).toEqual([NOTHING, NOTHING, NOTHING]);
    client.close();
    const secrets = { "x-access-shard": "s", "x-durable-rooms-auth": "%7B%22sub%22%3A%22eve%22%7D" };
    const answer = await appOf().request(`${path}/shown?world-auth-token=w`, { headers: secrets }, env);
    expect(await answer.json()).toEqual(NOTHING);
  });
});

describe("P1.4: in durable-rooms/testing", () => {
  it("the app's own tokens reach guards if no claims are given", async () => {
    const { room, guarded } = makeRoom();
    const { room: tested, createClient } = await kitRoom(room);
    const headers = { authorization: "Basic of-the-app" };
    const expected = { header: headers.authorization, query: "?token=t" };
    expect(await (await tested.fetch("/shown?token=t", { headers })).json()).toEqual(expected);
    const answer = await tested.fetch("/shown?token=t", { headers, auth: { sub: "ada" } });
    expect(await answer.json()).toEqual(NOTHING);
    const client = await createClient({ headers, query: { token: "t" } });
    expect(guarded.at(-1)).toMatchObject({ header: headers.authorization, query: expect.stringContaining("token=t") });
    client.close();
  });
});
