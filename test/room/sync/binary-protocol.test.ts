import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { ByteReader } from "../../../src/protocol/binary/bytes.ts";
import { FRAME, readSyncHead } from "../../../src/protocol/binary/frames.ts";
import { protocolOf } from "../../../src/room/admission.ts";
import { users } from "../../../src/app/users.ts";
import { collection, persist, sync } from "../../../src/state/fields.ts";
import { byKey } from "../../../src/state/visibility-keys.ts";
import { MemoryRoom } from "../../support/memory.ts";
import type { MemorySocket } from "../../support/memory.ts";
import { Watcher } from "./crowd-world.ts";

class Player {
  x = sync(signal(0));
  secretPlan = sync(signal(""), { visibleTo: "owner" });
}
class Trap {
  zone = persist(signal("a"));
  hiddenDamage = sync(signal(1));
}
const state = () => ({
  players: users(Player),
  cellar: collection(Trap, { visibleTo: ({ auth }) => auth?.["gm"] === true }),
  traps: collection(Trap, {
    visibleTo: byKey<Trap>({ of: ({ zone }) => zone(), for: ({ auth }) => String(auth?.["zone"]) }),
  }),
  count: sync(signal(0)),
});
const options = { path: "binary-{id}", throttleSync: 0, state } as const;
const compiled = defineRoom(options).compiled;
type State = ReturnType<typeof state>;

const headOf = (frame: unknown) => readSyncHead(new ByteReader((frame as Uint8Array).subarray(1)));
const isBinary = ({ frames }: MemorySocket) => frames.map((frame) => typeof frame !== "string");
const bytesOf = ({ frames }: MemorySocket) =>
  frames.map((frame) => (typeof frame === "string" ? frame : new TextDecoder().decode(frame))).join("");
const add = (room: MemoryRoom<State>) => room.change(({ count }) => count.update((value) => value + 1));

describe("P13.1: which protocol a room speaks", () => {
  it.each([
    ["", 1],
    ["protocol=1", 1],
    ["protocol=2", 2],
    ["protocol=3", 3],
    ["protocol=2&protocol=3", 3],
    ["protocol=2&protocol=9", 2],
    ["protocol=9&protocol=2", 1],
  ])("%s", (query, protocol) => {
    expect(protocolOf(`http://room/?${query}`).protocol).toBe(protocol);
  });

  it("is that of each client, also after hibernation", async () => {
    const room = new MemoryRoom<State>(compiled);
    const binary = await room.connect("ada", null, undefined, "protocol=2&protocol=3");
    const json = await room.connect("bob");
    await room.evict();
    add(room);
    expect(new Set(isBinary(binary))).toEqual(new Set([true]));
    expect(new Set(isBinary(json))).toEqual(new Set([false]));
    expect(binary.clients[0]?.state).toMatchObject({ count: 1 });
  });
});

describe("P13.5: the tables", () => {
  it("are sent once, and not to a client that has them", async () => {
    const room = new MemoryRoom<State>(compiled);
    const first = await room.connect("ada", null, undefined, "protocol=3");
    const head = headOf(first.frames[0]);
    const { tablesHash: tables = "", run = "", seq, epoch } = head;
    expect(head.tables).toContain("players");
    room.disconnect(first);
    const known = new URLSearchParams({ protocol: "3", since: String(seq), epoch: String(epoch), tables, run });
    const second = await room.connect("ada", null, undefined, known.toString());
    expect(headOf(second.frames[0])).toMatchObject({ resumed: true, tablesHash: tables, run });
    expect(headOf(second.frames[0]).tables).toBeUndefined();
    room.disconnect(second);
    known.set("tables", "of another version");
    const third = await room.connect("ada", null, undefined, known.toString());
    expect(headOf(third.frames[0]).tables).toContain("players");
  });

  it("and frames name nothing that the client may not see, not even a field", async () => {
    const room = new MemoryRoom<State>(compiled);
    room.change((now) => {
      now.cellar()["cellar-key"] = new Trap();
      now.traps()["trap-key"] = new Trap();
    });
    const stranger = await room.connect("eve", { zone: "b" }, undefined, "protocol=3");
    const owner = await room.connect("ada", { zone: "a" }, undefined, "protocol=3");
    room.change(({ traps }) => traps()["trap-key"]?.hiddenDamage.set(2));
    for (const name of ["hiddenDamage", "cellar-key", "trap-key"]) expect(bytesOf(stranger)).not.toContain(name);
    expect(bytesOf(owner)).toContain("trap-key");
    expect(owner.clients[0]?.state).toMatchObject({ traps: { "trap-key": { hiddenDamage: 2 } } });
  });
});

it("P4.15, P13.6: a client that reconnects has no invisible entries, though it gets the slots of visible ones", async () => {
  const room = new MemoryRoom<State>(compiled);
  const client = new Watcher("ada", false, 3);
  const come = async () => {
    client.connected(await room.connect("ada", { zone: "a" }, undefined, client.query, client.binary));
    client.read();
  };
  await come();
  room.change(({ traps }) => (traps()["one"] = new Trap()));
  room.change(({ traps }) => (traps()["two"] = new Trap()));
  room.change(({ traps }) => traps()["two"]?.hiddenDamage.set(5));
  client.read();
  expect(client.client.state).toMatchObject({ traps: { one: {}, two: {} } });
  room.disconnect(client.socket as MemorySocket);
  room.change(({ traps }) => traps()["one"]?.zone.set("b"));
  await come();
  expect(client.client.how).toEqual(["whole", "resumed"]);
  expect(client.client.state["traps"]).toEqual({ two: { hiddenDamage: 5 } });
});

it("P13.3, P4.12: an acknowledgement has its number and its value", async () => {
  const definition = defineRoom({
    ...options,
    actions: { add: { run: ({ state: now }) => (now.count.set(7), "ok") } },
  });
  const room = new MemoryRoom<State>(definition.compiled);
  const socket = await room.connect("ada", null, undefined, "protocol=3");
  await room.core.message(socket, '{"action":"add","id":"one"}');
  const [, patch, ack] = socket.frames as Uint8Array[];
  expect([patch?.[0], ack?.[0]]).toEqual([FRAME.sync, FRAME.ack]);
  expect(JSON.parse(socket.texts.at(-1) ?? "")).toEqual({ type: "ack", seq: 2, value: { id: "one", result: "ok" } });
});
