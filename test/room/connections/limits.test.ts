import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { requireAuth, requireClaim, requireSession } from "../../../src/define/guards.ts";
import { TokenBucket } from "../../../src/platform/client-limits.ts";
import { sync } from "../../../src/state/fields.ts";
import { testRoom, token } from "../../support/harness.ts";

describe("the rate limit", () => {
  it("refuses excess messages, and accepts later ones in time", () => {
    const bucket = new TokenBucket({ messages: 3, per: 1000 }, 0);
    expect([0, 0, 0, 0].map((now) => bucket.take(now))).toEqual(["pass", "pass", "pass", "refuse"]);
    expect(bucket.take(334)).toBe("refuse");
    expect(bucket.take(1100)).toBe("pass");
    expect(bucket.take(60_000)).toBe("pass");
  });

  it("loses nothing if the clock is set back", () => {
    const bucket = new TokenBucket({ messages: 3, per: 1000 }, 60_000);
    expect([60_000, 0, 0, 0].map((now) => bucket.take(now))).toEqual(["pass", "pass", "pass", "refuse"]);
    expect(bucket.take(800)).toBe("pass");
  });

  it("closes a client that continues", () => {
    const bucket = new TokenBucket({ messages: 2, per: 1000 }, 0);
    expect([1, 1, 1, 1].map((now) => bucket.take(now))).toEqual(["pass", "pass", "refuse", "close"]);
  });

  it("P6.4: over a socket: `rate_limited`, then 4429, and others are not affected", async () => {
    const definition = defineRoom({
      path: "room-{id}",
      rateLimit: { messages: 5, per: 60_000 },
      state: () => ({ count: sync(signal(0)) }),
      actions: { add: { run: ({ state }) => state.count.update((count) => count + 1) } },
    });
    const room = testRoom(definition);
    const flooder = await room.connect();
    const other = await room.connect();
    for (let index = 0; index < 12; index++) flooder.send({ action: "add" });
    expect(await flooder.closed).toEqual({ code: 4429, reason: "Too many messages" });
    expect(flooder.packets.filter((packet) => packet.value["code"] === "rate_limited")).toHaveLength(4);
    expect((await other.call("add")).type).toBe("ack");
    await other.sees((state: { count: number }) => state.count === 6);
  });
});

describe("ready-made guards", () => {
  const definition = defineRoom({
    path: "room-{id}",
    state: () => ({ a: sync(signal(0)) }),
    actions: {
      auth: { guards: [requireAuth], run: () => "in" },
      admin: { guards: [requireClaim("role", "admin")], run: () => "in" },
      world: { guards: [requireClaim("worlds", "w1")], run: () => "in" },
      session: { guards: [requireSession], run: () => "in" },
    },
    requests: {
      "GET /session": { guards: [requireSession], run: () => "in" },
      "GET /auth": { guards: [requireAuth], run: () => "in" },
    },
  });

  it("ask for a session, a token, or a claim", async () => {
    const room = testRoom(definition);
    const guest = await room.connect();
    const admin = await room.connect({ token: await token({ role: "admin", worlds: ["w1", "w2"] }) });
    for (const action of ["auth", "admin", "world"]) {
      expect((await guest.call(action)).value["code"]).toBe("forbidden");
      expect((await admin.call(action)).value["result"]).toBe("in");
    }
    expect((await guest.call("session")).value["result"]).toBe("in");
    expect((await room.fetch("/session")).status).toBe(403);
    expect((await room.fetch("/auth")).status).toBe(403);
    expect((await room.fetch(`/auth?token=${await token({})}`)).status).toBe(200);
  });

  it("a claim is not looked up in the prototype", () => {
    const context = {
      conn: undefined,
      auth: {},
      request: undefined,
      join: undefined,
      isSpectator: false,
      caller: undefined,
      state: {},
      room: {} as never,
    };
    expect(requireClaim("constructor", Object)(context)).toBe(false);
  });
});
