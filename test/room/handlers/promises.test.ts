import { signal } from "@signe/reactive";
import { describe, expect, it, vi } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { collection, sync } from "../../../src/state/fields.ts";
import { testRoom } from "../../support/harness.ts";

/** A thenable that is not a `Promise`, such as the result of a call to another Worker. */
function foreign<T>(settled: Promise<T>): Promise<T> {
  // oxlint-disable-next-line unicorn/no-thenable -- the tests need a thenable
  return { then: settled.then.bind(settled) } as Promise<T>;
}

const yes = () => foreign(Promise.resolve(true));
const no = () => false;
const state = () => ({ n: sync(signal(0)) });

describe("a promise that is not an instance of Promise", () => {
  it("does not let a client past the guards after the one that returned it", async () => {
    const room = testRoom(defineRoom({ path: "room-{id}", state, guards: [yes, no] }));
    expect((await (await room.open()).closed).code).toBe(4403);
  });

  it("does not let an action, or a request, past the guards after the one that returned it", async () => {
    const actions = { shut: { guards: [yes, no], run: () => "ran" }, open: { guards: [yes, yes], run: () => "ran" } };
    const requests = { "GET /shut": { guards: [yes, no], run: () => "ran" } };
    const room = testRoom(defineRoom({ path: "room-{id}", state, actions, requests }));
    const client = await room.connect();
    expect((await client.call("shut")).value).toMatchObject({ code: "forbidden" });
    expect((await client.call("open")).value).toMatchObject({ result: "ran" });
    expect((await room.fetch("/shut")).status).toBe(403);
  });

  it("is awaited from a schema, and from an interceptor", async () => {
    const validate = (value: unknown) =>
      foreign(Promise.resolve(value === 1 ? { value: 2 } : { issues: [{ message: "not one" }] }));
    const input = { "~standard": { version: 1, vendor: "test", validate } } as const;
    const room = testRoom(
      defineRoom({
        path: "room-{id}",
        state,
        actions: { double: { input, run: (_, value) => value } },
        interceptorPacket: (_, packet) => foreign(Promise.resolve(packet)),
      }),
    );
    const client = await room.connect();
    expect((await client.call("double", 1)).value).toMatchObject({ result: 2 });
    expect((await client.call("double", 3)).value).toMatchObject({ code: "invalid_input" });
  });
});

describe("a function that cannot be async", () => {
  const logged = async (run: () => Promise<void>): Promise<string> => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    await run();
    const lines = log.mock.calls.join();
    log.mockRestore();
    return lines;
  };

  it.each([
    ["a promise", () => Promise.resolve(true), /visibleTo function cannot be async/],
    ["a promise that rejects", () => Promise.reject(new Error("lost")), /visibleTo function cannot be async/],
    ["another thenable", yes, /visibleTo function cannot be async/],
    ["what is true only by chance", () => "yes", /^$/],
    ["a number", () => 1, /^$/],
  ])("visibleTo hides fields, entries and collections where it returns %s", async (_, answer, message) => {
    const visibleTo = answer as unknown as () => boolean;
    const room = testRoom(
      defineRoom({
        path: "room-{id}",
        throttleSync: 0,
        state: () => ({
          n: sync(signal(0)),
          own: sync(signal("secret"), { visibleTo }),
          notes: collection(() => ({ text: sync(signal("secret")) }), { visibleTo }),
          cards: collection(() => ({ face: sync(signal("secret"), { visibleTo }) })),
        }),
        actions: {
          deal: {
            run({ state: { own, notes, cards } }) {
              own.set("secret 2");
              notes()["a"] = { text: sync(signal("secret")) };
              cards()["a"] = { face: sync(signal("secret"), { visibleTo }) };
            },
          },
        },
      }),
    );
    const lines = await logged(async () => {
      const client = await room.connect();
      await client.call("deal");
      const late = await room.connect();
      expect(client.texts.join() + late.texts.join()).not.toContain("secret");
    });
    expect(lines).toMatch(message);
  });

  it("state() stops the room from starting if it returns a promise, and the log says why", async () => {
    const room = testRoom(defineRoom({ path: "room-{id}", state: async () => state() }));
    const lines = await logged(async () => {
      expect((await (await room.open()).closed).code).toBe(1011);
    });
    expect(lines).toContain("state() cannot be async");
  });
});

it("a restore hook that returns nothing refuses the transfer, since the user would start without values", async () => {
  const onSessionRestore = (() => {}) as never;
  const players = () => ({
    players: users(
      class {
        gold = sync(signal(0));
      },
    ),
  });
  const room = testRoom(
    defineRoom({
      path: "room-{id}",
      state: players,
      actions: {
        go: { run: ({ room: here, conn }) => here.sessionTransfer(conn, "room-2") },
        gold: { run: ({ user }) => (user.gold.update((gold) => gold + 1), user.gold()) },
      },
      onSessionRestore,
    }),
  );
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  const client = await room.connect();
  await client.call("gold");
  expect((await client.call("go")).value).toMatchObject({ code: "internal" });
  expect((await client.call("gold")).value).toMatchObject({ result: 2 });
  expect(log.mock.calls.join()).toContain("onSessionRestore has to return the snapshot to load");
  log.mockRestore();
});
