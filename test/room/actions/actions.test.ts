import { signal } from "@signe/reactive";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { defineRoom } from "../../../src/define/define-room.ts";
import { RoomError } from "../../../src/protocol/errors.ts";
import { users } from "../../../src/app/users.ts";
import { sync } from "../../../src/state/fields.ts";
import { testRoom, token } from "../../support/harness.ts";

class Player {
  x = sync(signal(0));
}
let release: () => void = () => {};

const definition = defineRoom({
  path: "room-{id}",
  throttleSync: 0,
  maxMessageBytes: 1000,
  guards: [({ auth }) => auth?.["banned"] !== true],
  state: () => ({
    a: sync(signal(0)),
    b: sync(signal(0)),
    log: sync(signal<string[]>([])),
    players: users(Player),
  }),
  actions: {
    move: {
      input: z.object({ x: z.coerce.number().max(10), y: z.string().default("north") }),
      run: ({ user }, input) => {
        user.x.set(input.x);
        return input;
      },
    },
    both: {
      run({ state }) {
        for (const value of [1, 2, 3]) state.a.set(value);
        state.b.set(9);
      },
    },
    admin: { guards: [({ auth }) => auth?.["role"] === "admin"], run: () => "welcome" },
    adminLater: {
      guards: [async ({ auth }) => Promise.resolve(auth?.["role"] === "admin")],
      run: () => "welcome",
    },
    evenOnly: { input: z.number(), guards: [(_, value) => (value as number) % 2 === 0], run: (_, value) => value },
    unique: {
      input: z.string().refine(async (text) => Promise.resolve(text !== "taken"), "taken"),
      run: (_, text) => text,
    },
    breakHalfway: {
      run({ state }) {
        state.a.set(77);
        throw new Error("the database password is hunter2");
      },
    },
    breakLater: {
      async run({ state }) {
        state.b.set(78);
        await Promise.resolve();
        throw new Error("hunter2");
      },
    },
    refuse: {
      run() {
        throw new RoomError("forbidden", "Not your turn");
      },
    },
    brokenGuard: {
      guards: [
        () => {
          throw new Error("hunter2");
        },
      ],
      run: () => "never",
    },
    slow: {
      input: z.string(),
      async run({ state }, name) {
        await new Promise<void>((resolve) => (release = resolve));
        state.log.update((log) => [...log, name]);
      },
    },
    // An action, because workerd only lets code of the same object resolve its promises.
    release: { run: () => release() },
    note: { input: z.string(), run: ({ state }, text) => state.log.update((log) => [...log, text]) },
    hostile: { run: ({ state }, value) => state.log.set([value as string]) },
    result: { run: ({ state }) => ({ a: state.a, nothing: undefined, when: new Date(0) }) },
  },
  onError: vi.fn(),
});

describe("actions", () => {
  it("pass the parsed value to the handler, and its result to the sender", async () => {
    const client = await testRoom(definition).connect();
    expect(await client.call("move", { x: "4" })).toEqual({
      type: "ack",
      value: { id: "call-0", result: { x: 4, y: "north" } },
    });
    await client.sees((state: { players: Record<string, { x: number }> }) => state.players[client.publicId]?.x === 4);
  });

  it("P6.3: refuse a value that does not match, with path and message", async () => {
    const client = await testRoom(definition).connect();
    const { value } = await client.call("move", { x: 11 });
    expect(value).toMatchObject({ code: "invalid_input", action: "move", id: "call-0", issues: [{ path: ["x"] }] });
    expect((await client.call("unique", "taken")).value).toMatchObject({
      code: "invalid_input",
      issues: [{ message: "taken" }],
    });
    expect((await client.call("unique", "free")).value).toMatchObject({ result: "free" });
  });

  it("P4.2: send one packet for all changes of an action, before its acknowledgement", async () => {
    const room = testRoom(definition);
    const client = await room.connect();
    const other = await room.connect();
    await client.until((packet) => JSON.stringify(packet).includes(other.publicId));
    const before = client.texts.length;
    await client.call("both");
    expect(client.texts.slice(before)).toEqual([
      '{"type":"sync","value":{"a":3,"b":9}}',
      '{"type":"ack","value":{"id":"call-0"}}',
    ]);
    await other.text('{"type":"sync","value":{"a":3,"b":9}}');
  });

  it("run guards: those of the room for everything, those of the action with the parsed value, sync or async", async () => {
    const room = testRoom(definition);
    const admin = await room.connect({ token: await token({ role: "admin" }) });
    const guest = await room.connect();
    for (const action of ["admin", "adminLater"]) {
      expect((await admin.call(action)).value).toMatchObject({ result: "welcome" });
      expect((await guest.call(action)).value).toMatchObject({ code: "forbidden", action });
    }
    expect((await guest.call("evenOnly", 3)).value).toMatchObject({ code: "forbidden" });
    expect((await guest.call("evenOnly", 4)).value).toMatchObject({ result: 4 });
    const banned = await room.open({ token: await token({ banned: true }) });
    expect(await banned.closed).toEqual({ code: 4403, reason: "You may not enter this room" });
  });

  it("that throw do no harm: the caller gets `internal`, partial changes are consistent, and the log has the action", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const room = testRoom(definition);
    const client = await room.connect();
    const other = await room.connect();
    for (const action of ["breakHalfway", "breakLater", "brokenGuard"]) {
      const { value } = await client.call(action);
      expect(value).toMatchObject({ code: "internal", action, message: "Something went wrong in the room" });
    }
    expect(client.texts.join() + other.texts.join()).not.toContain("hunter2");
    for (const { sees } of [client, other].map((one) => ({ sees: one.sees.bind(one) }))) {
      await sees((state: { a: number; b: number }) => state.a === 77 && state.b === 78);
    }
    const line = JSON.parse(log.mock.calls[0]?.[0] as string) as Record<string, unknown>;
    expect(line).toMatchObject({ level: "error", event: "action_failed", room: "room-1", action: "breakHalfway" });
    expect(line["connection"]).toEqual(expect.any(String));
    expect((await client.call("note", "still here")).type).toBe("ack");
    log.mockRestore();
  });

  it("pass on the code and message of a RoomError", async () => {
    const client = await testRoom(definition).connect();
    expect((await client.call("refuse")).value).toMatchObject({ code: "forbidden", message: "Not your turn" });
  });

  it("of one client run in order, however long one takes; those of others continue", async () => {
    const room = testRoom(definition);
    const slow = await room.connect();
    const quick = await room.connect();
    slow.send({ action: "slow", value: "first" });
    const second = slow.call("note", "second");
    await quick.call("note", "zeroth");
    await quick.call("release");
    await second;
    await quick.sees((state: { log: string[] }) => state.log.join() === "zeroth,first,second");
  });

  it("read signals in results", async () => {
    const client = await testRoom(definition).connect();
    expect((await client.call("result")).value["result"]).toEqual({ a: 0, when: "1970-01-01T00:00:00.000Z" });
  });

  it.each([
    ["no JSON", "{", "bad_message"],
    ["no object", "[1]", "bad_message"],
    ["null", "null", "bad_message"],
    ["no action", "{}", "bad_message"],
    ["a number for an action", '{"action":1}', "bad_message"],
    ["an unknown action", '{"action":"fly"}', "unknown_action"],
    ["an action from the prototype", '{"action":"toString"}', "unknown_action"],
    ["an action called __proto__", '{"action":"__proto__"}', "unknown_action"],
    ["a hostile key", '{"action":"hostile","value":{"a":{"__proto__":{"b":1}}}}', "bad_message"],
    ["a hidden hostile key", '{"action":"hostile","value":{"con\\u0073tructor":1}}', "bad_message"],
    ["a reserved value", '{"action":"hostile","value":"$delete"}', "invalid_input"],
    ["an object for an id", '{"action":"both","id":{}}', "bad_message"],
    ["very deep nesting", `{"action":"hostile","value":${"[".repeat(400)}${"]".repeat(400)}}`, "bad_message"],
  ])("P6: %s is refused and loses nothing", async (_, text, code) => {
    const room = testRoom(definition);
    const client = await room.connect();
    client.send(text);
    const refusal = await client.until((packet) => packet.type === "error");
    expect(refusal.value["code"]).toBe(code);
    expect((await client.call("note", "fine")).type).toBe("ack");
  });

  it("that do not exist are refused, in development with the names of those without guards", async () => {
    const client = await testRoom(definition).connect();
    const { message } = (await client.call("fly")).value;
    expect(message).toMatch(/^There is no such action\. There are: move, both, unique, /);
    expect(message).not.toContain("admin");
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`action${index}`, { run: () => index }]));
    const crowded = await testRoom(defineRoom({ path: "m", state: () => ({}), actions: many }), "m").connect();
    expect((await crowded.call("fly")).value["message"]).toMatch(/: action0, .*, action19$/);
    const guarded = { only: { guards: [() => true], run: () => 1 } };
    const closed = await testRoom(defineRoom({ path: "g", state: () => ({}), actions: guarded }), "g").connect();
    expect((await closed.call("fly")).value["message"]).toBe("There is no such action");
    vi.stubEnv("NODE_ENV", "production");
    expect((await client.call("fly")).value["message"]).toBe("There is no such action");
    vi.unstubAllEnvs();
  });

  it("P6: a binary frame is refused, and one that is too large closes with 1009", async () => {
    const client = await testRoom(definition).connect();
    client.send(new ArrayBuffer(3));
    expect((await client.until((packet) => packet.type === "error")).value["code"]).toBe("bad_message");
    client.send({ action: "note", value: "é".repeat(600) });
    expect((await client.closed).code).toBe(1009);
  });

  it("go to unhandledAction if no entry handles them", async () => {
    const open = defineRoom({
      path: "open",
      state: () => ({ last: sync(signal("")) }),
      unhandledAction: {
        run({ state, conn }, { action, value }) {
          state.last.set(`${action} ${JSON.stringify(value)} ${conn.publicId.length}`);
          return "taken";
        },
      },
    });
    const client = await testRoom(open, "open").connect();
    expect((await client.call("anything", [1])).value["result"]).toBe("taken");
    // A shard that has not confirmed the last packet gets the next one later, but the answer at once. Wait for the
    // state.
    // state.
    await client.sees(({ last }: { last: string }) => last === "anything [1] 12");
  });

  it("of unhandledAction have guards that get the name and the value", async () => {
    const seen: unknown[] = [];
    const open = defineRoom({
      path: "open",
      state: () => ({ last: sync(signal("")) }),
      guards: [(_, value) => seen.push(value) > 0],
      unhandledAction: {
        guards: [(_, message) => (message as { action: string }).action !== "shut" && seen.push(message) > 0],
        run: (_, { action }) => action,
      },
    });
    const client = await testRoom(open, "open").connect();
    seen.length = 0;
    expect((await client.call("walk", [1])).value["result"]).toBe("walk");
    expect(seen).toEqual([[1], { action: "walk", value: [1] }]);
    expect((await client.call("shut")).value).toMatchObject({ code: "forbidden" });
  });

  it("of a removed user are forbidden", async () => {
    const room = testRoom(definition);
    const client = await room.connect();
    await room.change((state) => delete state.players()[client.publicId]);
    expect((await client.call("both")).value).toMatchObject({ code: "forbidden" });
  });
});
