import { signal } from "@signe/reactive";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { connected, sync } from "../../../src/state/fields.ts";
import { testRoom } from "../../support/harness.ts";
import type { TestRoom } from "../../support/harness.ts";

class Player {
  name = sync(signal(""));
  online = connected();
}
type Seen = { players: Record<string, { name: string; online: boolean }> };

const asked = vi.fn();
const definition = defineRoom({
  path: "room-{id}",
  throttleSync: 0,
  spectators: true,
  join: { input: z.object({ name: z.string().trim().min(1).max(20), team: z.number().default(1) }) },
  state: () => ({ players: users(Player), banned: "mallory" }),
  guards: [
    ({ join, isSpectator, conn, request, state }) => {
      asked({ join, isSpectator, isMessage: conn !== undefined, isUpgrade: request?.headers.has("upgrade") });
      return join?.name !== state.banned;
    },
  ],
  actions: { who: { run: ({ user }) => user.name() } },
  requests: { "GET /ok": { run: () => "ok" } },
  onJoin({ user, join }) {
    user.name.set(`${join.name}/${join.team}`);
  },
});

const params = (value: unknown) => `params=${encodeURIComponent(JSON.stringify(value))}`;
const refusal = async (room: TestRoom, query: string) => (await room.open({ query })).closed;

describe("the value that clients join with", () => {
  it("P1.10: guards and onJoin get the parsed value", async () => {
    const room = testRoom(definition);
    asked.mockClear();
    const ada = await room.connect({ query: params({ name: " Ada " }) });
    expect((ada.state as Seen).players[ada.publicId]?.name).toBe("Ada/1");
    const join = { name: "Ada", team: 1 };
    expect(asked).toHaveBeenCalledWith({ join, isSpectator: false, isMessage: false, isUpgrade: true });
    await ada.call("who");
    expect(asked).toHaveBeenCalledWith({ join: undefined, isSpectator: false, isMessage: true, isUpgrade: undefined });
    expect((await room.fetch("/ok")).status).toBe(200);
    expect(await refusal(room, params({ name: "mallory" }))).toMatchObject({ code: 4403 });
  });

  it.each([
    ["nothing, as a client of an earlier version gives", "", 4400, /^params: .*expected object/],
    ["another type", params({ name: 1 }), 4400, /^params\.name: .*expected string/],
    ["too little", params({ name: " " }), 4400, /^params\.name: /],
    ["no JSON", "params={", 4400, /not valid JSON/],
    ["a reserved key", `params=${encodeURIComponent('{"name":"a","__proto__":{}}')}`, 4400, /reserved key/],
    ["too much nesting", `params=${"[".repeat(100)}${"]".repeat(100)}`, 4400, /nested too deeply/],
    ["too many bytes", params({ name: "ä".repeat(1100) }), 1009, /2048 bytes/],
  ])("P1.10: a client that gives %s is refused finally, and leaves nothing", async (_what, query, code, reason) => {
    const room = testRoom(definition);
    const closed = await refusal(room, query);
    expect(closed).toEqual({ code, reason: expect.stringMatching(reason) });
    const bob = await room.connect({ query: params({ name: "Bob" }) });
    expect(Object.keys((bob.state as Seen).players)).toEqual([bob.publicId]);
  });

  it("a user who reconnects gives it again, also after a crash", async () => {
    const room = testRoom(definition);
    const before = await room.connect({ id: "ada", query: params({ name: "Ada", team: 2 }) });
    const { publicId } = before;
    before.close();
    const after = await room.connect({ id: "ada", query: params({ name: "Ada L." }) });
    expect(after.publicId).toBe(publicId);
    expect((after.state as Seen).players[publicId]?.name).toBe("Ada L./1");
    await room.inside((_state, core) => core.handle.flush());
    await room.crash();
    await after.closed;
    const again = await room.connect({ id: "ada", query: params({ name: "Ada" }) });
    expect((again.state as Seen).players[publicId]?.name).toBe("Ada/1");
  });

  it("an async schema is awaited, also if it refuses", async () => {
    const room = testRoom(
      defineRoom({
        path: "room-{id}",
        join: { input: z.object({ code: z.string().refine(async (code) => code === "open", "is wrong") }) },
        state: () => ({ code: sync(signal("")) }),
        onJoin: ({ state, join }) => state.code.set(join.code),
      }),
    );
    expect(await refusal(room, params({ code: "sesame" }))).toEqual({ code: 4400, reason: "params.code: is wrong" });
    const client = await room.connect({ query: params({ code: "open" }) });
    expect(client.state).toEqual({ code: "open" });
  });

  it("a schema that throws is a fault of the room, not of the client", async () => {
    const input = z.object({}).transform(() => {
      throw new Error("hunter2");
    });
    const room = testRoom(defineRoom({ path: "room-{id}", join: { input }, state: () => ({}) }));
    expect((await refusal(room, params({}))).code).toBe(1011);
  });

  it("a room without a schema ignores it", async () => {
    const room = testRoom(
      defineRoom({ path: "room-{id}", state: () => ({ count: sync(signal(1)) }), guards: [requireNothing] }),
    );
    expect((await room.connect({ query: params({ name: "Ada" }) })).state).toEqual({ count: 1 });
  });

  it("a spectator may omit it, and a given value is checked", async () => {
    const room = testRoom(definition);
    asked.mockClear();
    await room.connect({ query: "spectator=1" });
    expect(asked).toHaveBeenCalledWith({ join: undefined, isSpectator: true, isMessage: false, isUpgrade: true });
    expect(await refusal(room, `spectator=1&${params({ name: 1 })}`)).toMatchObject({ code: 4400 });
    expect(await refusal(room, `spectator=1&${params({ name: "mallory" })}`)).toMatchObject({ code: 4403 });
  });

  it("defineRoom refuses a value that is not a schema", () => {
    const state = () => ({});
    expect(() => defineRoom({ path: "a", state, join: {} as never })).toThrow(
      /option "join" has an input that is not a schema/,
    );
    expect(() => defineRoom({ path: "a", state, join: 1 as never })).toThrow(/join has to be an object/);
    expect(() => defineRoom({ path: "a", state, join: { input: z.date() } })).toThrow(/z\.coerce\.date/);
  });
});

function requireNothing({ join }: { join: unknown }): boolean {
  return join === undefined;
}
