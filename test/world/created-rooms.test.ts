import { exports } from "cloudflare:workers";
import { signal } from "@signe/reactive";
import { beforeEach, describe, expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { persist } from "../../src/state/fields.ts";
import { shared } from "../../src/testing/registry.ts";
import { TestRoom } from "../support/harness.ts";

const hooks: string[] = [];
const definition = defineRoom({
  path: "quiz-{id}",
  expireAfter: 600_000,
  state: () => ({ order: persist(signal<number[]>([])) }),
  onCreate({ state }) {
    hooks.push("create");
    state.order.set([1, 2]);
  },
  onStart({ state, room }) {
    hooks.push("start");
    room.setListing({ length: state.order().length });
  },
  actions: { end: { run: ({ room }) => room.destroy() } },
});

const find = async (body: object) => {
  const init = { method: "POST", body: JSON.stringify({ room: "quiz-{id}", ...body }) };
  const response = await exports.default.fetch("http://rooms.test/parties/world/world-default/find-room", init);
  return { status: response.status, ...(await response.json<{ roomId: string; metadata: object }>()) };
};

beforeEach(() => {
  hooks.length = 0;
  shared().rooms.set("main", definition);
});

describe("a room that begins and ends, and is listed in a World", () => {
  it("P10.4: begins when it is created there, once", async () => {
    const made = await find({ create: true });
    expect(made).toMatchObject({ status: 200, metadata: { length: 2 } });
    const room = new TestRoom(definition, made.roomId, "main");
    await room.connect({ via: "room" });
    expect(hooks).toEqual(["create", "start"]);
  });

  it("is not created again by a World that only asks whether it exists", async () => {
    const { roomId } = await find({ create: { id: "gone" } });
    const room = new TestRoom(definition, roomId, "main");
    await (await room.connect({ via: "room" })).call("end").catch(() => {});
    hooks.length = 0;
    const stub = room.stub as unknown as { listed(worldId: string): Promise<unknown> };
    expect(await stub.listed("world-default")).toBeNull();
    expect(hooks).toEqual([]);
  });
});
