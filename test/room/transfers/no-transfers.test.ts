import { signal } from "@signe/reactive";
import { expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { sync } from "../../../src/state/fields.ts";
import { MemoryRoom } from "../../support/memory.ts";

const definition = defineRoom({
  path: "room-{id}",
  throttleSync: 0,
  throttleStorage: 0,
  state: () => ({ players: users(() => ({ gold: sync(signal(5)) })) }),
  actions: {
    go: { run: ({ room, conn }) => room.sessionTransfer(conn, "room-b") },
    gold: { run: ({ user }) => user.gold() },
  },
});

function roomWithout({ compiled }: Pick<typeof definition, "compiled"> = definition): MemoryRoom<object> {
  const room = new MemoryRoom<object>(compiled);
  room.hasTransfers = false;
  room.start();
  return room;
}
let sent = 0;
const ask = (name: string) => JSON.stringify({ action: name, value: null, id: ++sent });
const lastOf = (texts: readonly string[]) => JSON.parse(texts.at(-1) ?? "null") as unknown;

it("room.sessionTransfer in a service without transfers reports what to add, and the user stays", async () => {
  const room = roomWithout();
  const ada = await room.connect("ada");
  await room.core.message(ada, ask("go"));
  expect(lastOf(ada.texts)).toMatchObject({ type: "error", value: { code: "internal" } });
  const { error } = room.log.find(({ event }) => event === "action_failed") ?? {};
  expect(error).toContain('Add transfers of "durable-rooms" to createRooms');
  await room.core.message(ada, ask("gold"));
  expect(lastOf(ada.texts)).toMatchObject({ type: "ack", value: { result: 5 } });
});

it("a client that reconnects with its used token is accepted, and no other token is valid", async () => {
  const room = roomWithout();
  const ada = await room.connect("ada");
  room.disconnect(ada);
  expect((await room.connect("ada", null, "spent")).isOpen).toBe(true);
  expect((await room.connect("bob", null, "spent")).closedWith?.reason).toContain("not valid");
  expect((await room.connect(undefined, null, "guessed")).closedWith?.reason).toContain("not valid");
});

it("other rooms that still have transfers are refused, so that their users stay there", async () => {
  const room = roomWithout();
  const passenger = {
    transferId: "t",
    sessionId: "ada",
    publicId: "p",
    sub: undefined,
    user: { gold: 7 },
    state: null,
  };
  expect(await room.core.board(passenger)).toMatchObject({ ok: false, code: "internal" });
  await expect(room.core.recall("t", "ada")).rejects.toThrow("no transfers");
  await room.core.arrived("t", "ada", undefined);
});

it("rows of transfers are kept for a later version with transfers", async () => {
  const room = new MemoryRoom<object>(definition.compiled);
  const boarded = await room.core.board({
    transferId: "t",
    sessionId: "ada",
    publicId: "p",
    sub: undefined,
    user: { gold: 7 },
    state: null,
  });
  if (!boarded.ok) throw new Error(boarded.message);
  room.hasTransfers = false;
  room.crash();
  expect((await room.connect("bob")).isOpen).toBe(true);
  room.hasTransfers = true;
  room.crash();
  expect((await room.connect(undefined, null, boarded.token)).isOpen).toBe(true);
});

it("room.forget removes the session too: onExpire runs once, and whoever comes back is a new user", async () => {
  const expired: string[] = [];
  const { compiled } = defineRoom({
    path: "room-{id}",
    throttleStorage: 0,
    state: () => ({ players: users(() => ({ gold: sync(signal(5)) })) }),
    onExpire: ({ publicId }) => void expired.push(publicId),
  });
  const room = roomWithout({ compiled });
  const publicIdOf = ({ texts }: { texts: readonly string[] }) =>
    (JSON.parse(texts[0] ?? "") as { value: { pId: string } }).value.pId;
  const [ada, bob] = [await room.connect("private ada"), await room.connect("private bob")];
  room.disconnect(bob);
  const forgotten = [ada, bob].map(publicIdOf);
  for (const publicId of forgotten) room.core.handle.forget(publicId);
  await room.advance(0);
  expect(expired).toEqual(forgotten);
  expect([...room.storage.rows.keys()].filter((key) => key.startsWith("$session:"))).toEqual([]);
  for (const id of ["private ada", "private bob"]) expect(forgotten).not.toContain(publicIdOf(await room.connect(id)));
});
