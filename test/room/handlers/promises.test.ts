import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { sync } from "../../../src/state/fields.ts";
import { testRoom } from "../../support/harness.ts";

/** A promise that is no `Promise`, as those are that calls between Workers return. */
function foreign<T>(settled: Promise<T>): Promise<T> {
  // oxlint-disable-next-line unicorn/no-thenable -- what this tests
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
