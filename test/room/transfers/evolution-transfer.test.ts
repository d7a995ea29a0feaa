import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import type { AnyRoom } from "../../../src/define/room.ts";
import type { Snapshot } from "../../../src/define/types.ts";
import { users } from "../../../src/app/users.ts";
import { sync } from "../../../src/state/fields.ts";
import type { TransferredUser } from "../../../src/room/transfers/messages.ts";
import { MemoryRoom } from "../../support/memory.ts";

const rename = ({ players, ...rest }: Snapshot): Snapshot => ({
  ...rest,
  heroes: Object.fromEntries(
    Object.entries((players ?? {}) as Record<string, Snapshot>).map(([key, { coins }]) => [
      key,
      { gold: Number(coins) * 10 },
    ]),
  ),
});
class Player {
  coins = sync(signal(0));
}
class Hero {
  gold = sync(signal(0));
}
const old = defineRoom({ path: "r-{n}", throttleStorage: 0, state: () => ({ players: users(Player) }) });
const define = (step: (snapshot: Snapshot) => Snapshot = rename) =>
  defineRoom({
    path: "r-{n}",
    version: 2,
    migrate: { 2: step },
    throttleStorage: 0,
    state: () => ({ heroes: users(Hero) }),
  });
const next = define();
const other = defineRoom({
  path: "lobby",
  version: 3,
  migrate: { 2: (snapshot) => snapshot, 3: (snapshot) => snapshot },
  throttleStorage: 0,
  state: () => ({ heroes: users(Hero) }),
  onSessionRestore: ({ userSnapshot }) => ({ gold: Number(userSnapshot["coins"]) + 1 }),
});

interface State {
  players(): Record<string, Player>;
  heroes(): Record<string, Hero>;
}

/** Two rooms between which users can move, and a user in the first one. */
async function pair(from: AnyRoom, to: AnyRoom) {
  const here = new MemoryRoom<State>(from.compiled);
  const there = new MemoryRoom<State>(to.compiled, here.clock);
  const strip = { isOn: false };
  const link = (room: MemoryRoom<State>): MemoryRoom<State>["neighbours"] => ({
    board: (_to, { origin, ...passenger }: TransferredUser) =>
      room.core.board(structuredClone(strip.isOn || !origin ? passenger : { ...passenger, origin })),
    recall: async (_to, transferId, sessionId) => structuredClone(await room.core.recall(transferId, sessionId)),
    arrived: async (_to, ...transfer) => room.core.arrived(...transfer),
    fetch: async () => new Response(null),
    call: async () => ({ ok: true, value: undefined }),
  });
  here.neighbours = link(there);
  there.neighbours = link(here);
  here.crash();
  there.crash();
  const socket = await here.connect("ada");
  const [publicId] = Object.keys(here.state.players?.() ?? here.state.heroes()) as [string];
  const leave = () => here.core.handle.sessionTransfer(here.core.handle.connections[0] as never, "r-2");
  return { here, there, socket, publicId, leave, strip };
}

describe("a user from a room at another version", () => {
  it("that is older is migrated like a room with only this user", async () => {
    const { here, there, publicId, leave } = await pair(old, next);
    here.change((state) => state.players()[publicId]?.coins.set(3));
    const token = await leave();
    expect(there.state.heroes()[publicId]?.gold()).toBe(30);
    expect((await there.connect(undefined, null, token)).isOpen).toBe(true);
    expect(here.state.players()).toEqual({});
  });

  it("that sends no version is treated as one of version 1, under the present name of the field", async () => {
    const raise = ({ players }: Snapshot): Snapshot => ({
      players: Object.fromEntries(
        Object.entries((players ?? {}) as Record<string, Snapshot>).map(([key, { coins }]) => [
          key,
          { coins: Number(coins) + 100 },
        ]),
      ),
    });
    const raised = defineRoom({
      path: "r-{n}",
      version: 2,
      migrate: { 2: raise },
      throttleStorage: 0,
      state: () => ({ players: users(Player) }),
    });
    const { here, there, publicId, leave, strip } = await pair(old, raised);
    here.change((state) => state.players()[publicId]?.coins.set(3));
    strip.isOn = true;
    await leave();
    expect(there.state.players()[publicId]?.coins()).toBe(103);
  });

  it.each([
    ["that is newer", next, old, "The stored state has version 2, and the definition has version 1"],
    ["whose step throws", old, define(() => JSON.parse("{") as never), "migrate[2] failed"],
    ["of whom a step leaves nothing", old, define(() => ({})), "It is not an object"],
  ])("%s is refused and stays, and the log says why", async (_, from, to, message) => {
    const { here, there, publicId, socket, leave } = await pair(from, to);
    await expect(leave()).rejects.toMatchObject({ code: "internal" });
    expect(JSON.stringify(there.log)).toContain(message);
    expect(Object.keys(here.state.players?.() ?? here.state.heroes())).toEqual([publicId]);
    expect(socket.isOpen).toBe(true);
    expect(here.core.handle.connections).toHaveLength(1);
  });

  it("of another definition is unchanged, for onSessionRestore", async () => {
    const { here, there, publicId, leave } = await pair(old, other);
    here.change((state) => state.players()[publicId]?.coins.set(3));
    await leave();
    expect(there.state.heroes()[publicId]?.gold()).toBe(4);
  });

  it.each(["the same definition", "another one that has the variant", "another one that does not have it"])(
    "of a variant has that variant in %s, if it exists",
    async (where) => {
      class Guest {
        coins = sync(signal(0));
      }
      class Member extends Player {
        card = sync(signal("none"));
      }
      const roomOf = (path: string, variants: Parameters<typeof users>[0]) =>
        defineRoom({ path, throttleStorage: 0, state: () => ({ players: users(variants as never) }) });
      const from = roomOf("r-{n}", { guest: Guest, member: Member });
      const to =
        where === "the same definition"
          ? from
          : roomOf(
              "other",
              where.endsWith("does not have it") ? { player: Player } : { visitor: Player, member: Member },
            );
      const { here, there, publicId, leave } = await pair(from, to);
      expect(here.state.players()[publicId]).toBeInstanceOf(Guest);
      here.change((state) => {
        const member = new Member();
        member.coins.set(3);
        member.card.set("gold");
        state.players()[publicId] = member;
      });
      await leave();
      const user = there.state.players()[publicId];
      expect(user).toBeInstanceOf(where.endsWith("does not have it") ? Player : Member);
      expect([user?.coins(), user instanceof Member && user.card()]).toEqual([
        3,
        where.endsWith("does not have it") ? false : "gold",
      ]);
      there.crash();
      expect(there.state.players()[publicId]).toBeInstanceOf(where.endsWith("does not have it") ? Player : Member);
    },
  );

  it("is migrated if a room recalls them that was deployed meanwhile", async () => {
    const { here, there, publicId, leave } = await pair(old, old);
    here.change((state) => state.players()[publicId]?.coins.set(3));
    await leave();
    await there.advance(1000);
    await here.advance(1000);
    await here.deploy(next.compiled);
    const socket = await here.connect("ada");
    expect(socket.isOpen).toBe(true);
    expect(here.state.heroes()[publicId]?.gold()).toBe(30);
    expect(there.state.players()).toEqual({});
  });

  it("is kept for later if an older room recalls them", async () => {
    const { here, there, leave, publicId } = await pair(old, old);
    here.change((state) => state.players()[publicId]?.coins.set(3));
    await leave();
    await there.advance(1000);
    await there.deploy(next.compiled);
    expect((await here.connect("ada")).closedWith?.code).toBe(1011);
    await here.advance(1000);
    await here.deploy(next.compiled);
    expect((await here.connect("ada")).isOpen).toBe(true);
    expect(here.state.heroes()[publicId]?.gold()).toBe(30);
  });
});
