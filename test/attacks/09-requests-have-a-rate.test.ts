import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { persist } from "../../src/state/fields.ts";
import { testRoom } from "../support/harness.ts";
import type { TestRoom } from "../support/harness.ts";

const stateOf = () => ({ asked: persist(signal(0)) });
const definition = defineRoom({
  path: "room-{id}",
  state: stateOf,
  requests: { "GET /count": { run: ({ state }) => state.asked.update((asked) => asked + 1) } },
});
const newRoom = () => testRoom<ReturnType<typeof stateOf>>(definition, `room-${crypto.randomUUID()}`);

async function ask(room: TestRoom<never>, count: number, address: (index: number) => string | undefined) {
  const answers = [];
  for (let index = 0; index < count; index++) {
    const from = address(index);
    answers.push(await room.fetch("/count", from === undefined ? {} : { headers: { "cf-connecting-ip": from } }));
  }
  return answers;
}
const statuses = (answers: readonly Response[]) => new Set(answers.map(({ status }) => status));

describe("P6.8: HTTP requests to a room", () => {
  it("from one address get 429 with Retry-After if there are too many, and others are served", async () => {
    const room = newRoom();
    const answers = await ask(room as never, 700, () => "192.0.2.1");
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(await refused[0]?.json()).toMatchObject({ code: "rate_limited" });
    expect(Number(refused[0]?.headers.get("retry-after"))).toBeGreaterThan(0);
    // The refused requests reached no handler.
    expect(await room.inside((state) => state.asked())).toBe(700 - refused.length);
    expect(statuses(await ask(room as never, 1, () => "192.0.2.2"))).toEqual(new Set([204]));
  });

  it("are counted for a whole IPv6 network", async () => {
    const answers = await ask(newRoom() as never, 700, (index) => `2001:db8:1:2::${index.toString(16)}`);
    expect(statuses(answers)).toContain(429);
  });

  it("are accepted 100 at once", async () => {
    expect(statuses(await ask(newRoom() as never, 100, () => "192.0.2.1"))).toEqual(new Set([204]));
  });

  it("are not limited if the address is unknown, as for requests from another room", async () => {
    expect(statuses(await ask(newRoom() as never, 700, () => undefined))).toEqual(new Set([204]));
  });

  it("count even if no room answers them", async () => {
    const room = newRoom();
    const headers = { "cf-connecting-ip": "192.0.2.1" };
    const seen = new Set<number>();
    for (let index = 0; index < 700; index++) {
      const { status, body } = await room.fetch("/none", { headers });
      await body?.cancel();
      seen.add(status);
    }
    // Some are let in, because the limit allows one more every 33 ms.
    expect(seen).toEqual(new Set([404, 429]));
  });
});
