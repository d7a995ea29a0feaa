import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { collection, persist, sync } from "../../../src/state/fields.ts";
import { byKey } from "../../../src/state/visibility-keys.ts";
import { MemoryRoom } from "../../support/memory.ts";
import { ResumingClient } from "./resuming-client.ts";

class Player {
  name = sync(signal("somebody"));
  /** A field that is only known to the room. */
  isTrusted = persist(signal(false));
}
const isTrusted = (viewer: { user?: unknown }) => (viewer.user as Player | undefined)?.isTrusted() === true;
const card = () => ({ face: sync(signal("queen"), { visibleTo: isTrusted }) });

function stateWithConditions() {
  const isOpen = persist(signal(false));
  const isOpenNow = () => isOpen();
  const players = users(Player);
  return {
    isOpen,
    players,
    secret: sync(signal("x"), { visibleTo: isOpenNow }),
    plan: sync(signal("y"), { visibleTo: isTrusted }),
    treasures: collection(() => ({ worth: sync(signal(1)) }), { visibleTo: isOpenNow }),
    cards: collection(card, { visibleTo: byKey({ of: () => "table", for: () => "table" }) }),
  };
}
type State = ReturnType<typeof stateWithConditions>;

const PROTOCOLS = ["protocol=2", "protocol=2&protocol=3"];

describe.each(PROTOCOLS)("P4.6: a condition that reads what is not sent (%s)", (protocol) => {
  async function begin(options: { throttleSync?: number; autoSync?: boolean } = {}) {
    const definition = defineRoom({
      path: "r",
      throttleSync: 0,
      ...options,
      state: stateWithConditions,
      actions: { open: { run: ({ state }) => state.isOpen.set(true) } },
    });
    const room = new MemoryRoom<State>(definition.compiled);
    room.change((state) => {
      state.treasures()["gold"] = { worth: sync(signal(1)) };
      state.cards()["a"] = card();
    });
    const client = new ResumingClient();
    const socket = await room.connect("ada", null, undefined, protocol);
    client.connected(socket);
    await room.advance(1000);
    client.read();
    return { room, client, socket };
  }
  const shown = ({ state }: ResumingClient) => {
    const { secret, treasures, plan, cards } = state as Record<string, Record<string, { face?: string }>>;
    return { secret, treasures: Object.keys(treasures ?? {}), plan, face: cards?.["a"]?.face };
  };

  it("shows and hides a field and a collection, though nothing else changes", async () => {
    const { room, client } = await begin();
    for (const isOpen of [true, false, true]) {
      room.change((state) => state.isOpen.set(isOpen));
      await room.advance(100);
      client.read();
      expect(shown(client)).toMatchObject(
        isOpen ? { secret: "x", treasures: ["gold"] } : { secret: undefined, treasures: [] },
      );
    }
  });

  it("shows and hides a field to the one user whose entry has it", async () => {
    const { room, client } = await begin();
    const bob = new ResumingClient();
    bob.connected(await room.connect("bob", null, undefined, protocol));
    for (const trusts of [true, false]) {
      room.change((state) => state.players()[client.publicId]?.isTrusted.set(trusts));
      await room.advance(100);
      client.read();
      bob.read();
      expect(shown(client)).toMatchObject(trusts ? { plan: "y", face: "queen" } : { plan: undefined, face: undefined });
      expect(shown(bob)).toMatchObject({ plan: undefined, face: undefined });
    }
  });

  it("sends the field before the room sleeps, and also when it changes right after the room woke", async () => {
    const { room, client } = await begin({ throttleSync: 500 });
    room.change((state) => state.isOpen.set(true));
    await room.evict();
    client.read();
    expect(shown(client)).toMatchObject({ secret: "x", treasures: ["gold"] });
    room.change((state) => state.isOpen.set(false));
    await room.advance(1000);
    client.read();
    expect(shown(client)).toMatchObject({ secret: undefined, treasures: [] });
  });

  it("with autoSync off, sends it with the next applySync", async () => {
    const { room, client } = await begin({ autoSync: false });
    room.core.handle.applySync();
    room.change((state) => state.isOpen.set(true));
    await room.advance(100);
    client.read();
    expect(client.state["secret"]).toBeUndefined();
    room.core.handle.applySync();
    client.read();
    expect(client.state["secret"]).toBe("x");
  });

  it("an acknowledgement names the packet with it", async () => {
    const { room, client, socket } = await begin();
    const before = socket.texts.length;
    await room.core.message(socket, '{"action":"open","value":null,"id":1}');
    await room.advance(100);
    client.read();
    expect(client.state["secret"]).toBe("x");
    expect(socket.texts.slice(before).map((text) => (JSON.parse(text) as { type: string }).type)).toEqual(
      expect.arrayContaining(["ack", "sync"]),
    );
  });
});
