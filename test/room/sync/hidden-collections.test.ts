import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { collection, sync } from "../../../src/state/fields.ts";
import { applyPatch } from "../../../src/protocol/apply-patch.ts";
import { MemoryRoom } from "../../support/memory.ts";
import type { MemorySocket } from "../../support/memory.ts";

const trap = () => ({ depth: sync(signal(3)), at: { x: sync(signal(1)) }, bait: collection(bait) });
const bait = () => ({ smell: sync(signal("good")) });
const stateOf = () => ({
  night: sync(signal(false)),
  traps: collection(trap, { visibleTo: ({ auth }) => auth?.["gm"] === true || day.isOver }),
  graves: collection(trap, { visibleTo: "owner" }),
});
/** A value outside of the state that the predicate reads. */
const day = { isOver: false };
type State = ReturnType<typeof stateOf>;

function newRoom(): MemoryRoom<State> {
  day.isOver = false;
  const room = new MemoryRoom<State>(defineRoom({ path: "r", throttleSync: 0, state: stateOf }).compiled);
  room.change((state) => {
    state.traps()["under the rug"] = trap();
    state.graves()["of the count"] = trap();
  });
  return room;
}

type Plain = Readonly<Record<string, unknown>>;
interface Sync {
  readonly type: string;
  readonly seq?: number;
  readonly epoch?: string;
  readonly resumed?: boolean;
  readonly value: Plain;
}

const packets = (socket: MemorySocket) => socket.texts.map((text) => JSON.parse(text) as Sync);
/** The state that a client of this package has after all packets. */
const viewOf = (socket: MemorySocket, before: Plain = {}) =>
  packets(socket).reduce((state, { value }) => {
    const { pId: _, ...patch } = value;
    return applyPatch(state, patch);
  }, before);

describe("P4.6: a collection that a client may not see", () => {
  it("sends it nothing, not even keys, whatever its entries contain", async () => {
    const room = newRoom();
    const socket = await room.connect("a");
    room.change((state) => void (state.traps()["at the door"] = trap()));
    expect(viewOf(socket)).toEqual({ night: false, traps: {}, graves: {} });
    expect(socket.texts.join("\n")).not.toMatch(/rug|door|count/);
  });

  it("leaves no empty entries when it becomes invisible, and is sent whole when it is visible again", async () => {
    const room = newRoom();
    day.isOver = true;
    const socket = await room.connect("a");
    const seen = { "under the rug": { depth: 3, at: { x: 1 }, bait: {} } };
    expect(viewOf(socket)).toEqual({ night: false, traps: seen, graves: {} });
    day.isOver = false;
    room.change((state) => state.night.set(true));
    expect(viewOf(socket)).toEqual({ night: true, traps: {}, graves: {} });
    day.isOver = true;
    room.change((state) => state.night.set(false));
    const back = viewOf(socket) as { traps: Record<string, object> };
    expect(back.traps["under the rug"]).toMatchObject({ depth: 3, at: { x: 1 } });
  });

  it.each([true, false])(
    "P4.11: reveals no key on resume, and leaves nothing that was visible (before: %s)",
    async (before) => {
      const room = newRoom();
      day.isOver = before;
      const first = await room.connect("a", null, undefined, "protocol=2");
      const [{ seq, epoch }] = packets(first) as [Sync];
      room.disconnect(first);
      day.isOver = false;
      const again = await room.connect("a", null, undefined, `protocol=2&since=${seq}&epoch=${epoch}`);
      expect(packets(again)[0]).toMatchObject({ resumed: true });
      expect(again.texts.join("\n")).not.toMatch(/rug|count/);
      expect(viewOf(again, viewOf(first))).toEqual({ night: false, traps: {}, graves: {} });
    },
  );

  it("P4.11: is sent whole on resume to clients that may see it", async () => {
    const room = newRoom();
    const first = await room.connect("a", { gm: true }, undefined, "protocol=2");
    const [{ seq, epoch }] = packets(first) as [Sync];
    room.disconnect(first);
    room.change((state) => state.traps()["under the rug"]?.depth.set(4));
    const query = `protocol=2&since=${seq}&epoch=${epoch}`;
    const again = await room.connect("a", { gm: true }, undefined, query);
    expect(packets(again)[0]).toMatchObject({ resumed: true });
    const state = viewOf(again, viewOf(first)) as { traps: Record<string, object> };
    expect(state.traps["under the rug"]).toMatchObject({ depth: 4, at: { x: 1 } });
  });
});
