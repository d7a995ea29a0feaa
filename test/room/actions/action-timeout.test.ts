import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { defineRoom } from "../../../src/define/define-room.ts";
import { sync } from "../../../src/state/fields.ts";
import { MemoryRoom } from "../../support/memory.ts";
import type { MemorySocket } from "../../support/memory.ts";

const gate = { current: Promise.withResolvers<unknown>() };
const errors: string[] = [];
const stateOf = () => ({ n: sync(signal(0)) });
type State = ReturnType<typeof stateOf>;
const definitionOf = (options: { actionTimeout?: number } = {}) =>
  defineRoom({
    path: "r",
    throttleSync: 0,
    ...options,
    state: stateOf,
    onError: ({ error }) => void errors.push((error as Error).message),
    actions: {
      hang: {
        async run({ state }) {
          const outcome = await gate.current.promise;
          state.n.set(5);
          return outcome;
        },
      },
      guarded: { guards: [async () => (await gate.current.promise) === true], run: () => "in" },
      parsed: { input: z.string().refine(async () => (await gate.current.promise) === true), run: () => "parsed" },
      count: { run: ({ state }) => (state.n.update((n) => n + 1), state.n()) },
    },
  });

async function start(options?: { actionTimeout?: number }) {
  gate.current = Promise.withResolvers();
  errors.length = 0;
  const room = new MemoryRoom<State>(definitionOf(options).compiled);
  const client = await room.connect("ada", null, undefined, "protocol=2");
  const send = (action: string, id: number) =>
    void room.core.message(client, JSON.stringify({ action, value: "x", id }));
  /** Advances the time, and runs everything that waits for promises. */
  const pass = async (ms: number) => {
    await room.advance(ms);
    for (let step = 0; step < 50; step++) await Promise.resolve();
  };
  return { room, client, send, pass };
}
const answers = ({ texts }: MemorySocket) =>
  texts
    .map((text) => JSON.parse(text) as { type: string; value: { id: number; code?: string; result?: unknown } })
    .filter(({ type }) => type === "ack" || type === "error")
    .map(({ value }) => [value.id, value.code ?? value.result]);

describe("a slow action", () => {
  it.each(["hang", "guarded", "parsed"])(
    "gets timeout after 30 seconds, and the next one runs (%s)",
    async (action) => {
      const { room, client, send, pass } = await start();
      send(action, 1);
      send("count", 2);
      await pass(29_999);
      expect(answers(client)).toEqual([]);
      await pass(1);
      expect(answers(client)).toEqual([
        [1, "timeout"],
        [2, 1],
      ]);
      expect(errors).toEqual(["The action took longer than 30 seconds"]);
      expect(room.log).toMatchObject([{ level: "error", event: "action_failed", action }]);
    },
  );

  it("continues: its later changes count, and its late answer or error is dropped", async () => {
    const { room, client, send, pass } = await start({ actionTimeout: 500 });
    send("hang", 1);
    await pass(500);
    // Repeated, as after a reconnect, the message is not run again.
    send("hang", 1);
    expect(answers(client)).toEqual([
      [1, "timeout"],
      [1, "timeout"],
    ]);
    gate.current.resolve("late");
    await pass(0);
    await pass(0); // the turn ends
    expect(room.state.n()).toBe(5);
    expect(client.texts.at(-1)).toContain('"n":5');
    gate.current = Promise.withResolvers();
    send("hang", 2);
    await pass(500);
    gate.current.reject(new Error("late"));
    await pass(10);
    expect(answers(client)).toHaveLength(3);
    expect(errors).toEqual(["The action took longer than 0.5 seconds", "The action took longer than 0.5 seconds"]);
  });

  it("is answered normally if it is done in time, and leaves no timer", async () => {
    const { room, client, send, pass } = await start();
    send("hang", 1);
    await pass(29_000);
    gate.current.resolve("done");
    await pass(0);
    expect(answers(client)).toEqual([[1, "done"]]);
    await pass(5000);
    expect(room.isIdle).toBe(true);
    expect(errors).toEqual([]);
  });

  it("may have a timeout from 1 ms to an hour", () => {
    for (const actionTimeout of [0, 3_600_001, Infinity]) {
      expect(() => definitionOf({ actionTimeout })).toThrow("actionTimeout has to be a number from 1 to 3600000");
    }
  });
});
