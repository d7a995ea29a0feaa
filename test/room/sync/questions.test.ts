import { signal } from "@signe/reactive";
import { describe, expect, it, vi } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { persist, sync } from "../../../src/state/fields.ts";
import type { Viewer } from "../../../src/state/field.ts";
import { applyPatch } from "../../../src/protocol/apply-patch.ts";
import { MemoryRoom } from "../../support/memory.ts";
import type { MemorySocket } from "../../support/memory.ts";

const COUNT = 20;

/** A room with users whose field is hidden by a predicate, and a spy that records the calls of the predicate. */
async function roomWith(predicate: (viewer: Viewer, owner: User, state: () => State) => boolean) {
  const asked = vi.fn();
  class Player implements User {
    x = sync(signal(0));
    team = persist(signal("red"));
    plain = 0;
    secret = sync(signal("s"), {
      visibleTo: (viewer) => {
        asked();
        return predicate(viewer, this, () => room.state);
      },
    });
  }
  const make = () => ({ isOver: sync(signal(false)), count: sync(signal(0)), players: users(Player) });
  let wait: Promise<void> | undefined;
  const room = new MemoryRoom<State>(
    defineRoom({ path: "r", throttleSync: 0, state: make, onJoin: () => wait }).compiled,
  );
  const sockets: MemorySocket[] = [];
  for (let index = 0; index < COUNT; index++) sockets.push(await room.connect(`s${index}`));
  const keys = sockets.map((socket) => (JSON.parse(socket.texts[0] as string) as { value: { pId: string } }).value.pId);
  const playerOf = (index: number) => room.state.players()[keys[index] as string] as User;
  const tick = () => room.change(({ count }) => count.update((value) => value + 1));
  /** The secrets that a client sees. */
  const seenBy = (index: number) => {
    let state = {};
    for (const text of sockets[index]?.texts ?? []) {
      const { pId: _, ...patch } = (JSON.parse(text) as { value: Record<string, unknown> }).value;
      state = applyPatch(state, patch);
    }
    const { players } = state as { players: Record<string, { secret?: string }> };
    return keys.filter((key) => players[key]?.secret !== undefined).length;
  };
  for (let times = 0; times < 40; times++) tick();
  asked.mockClear();
  /** A user joins, and their `onJoin` waits until it is released. */
  const slow = (): [release: () => void, joined: Promise<unknown>] => {
    const { promise, resolve } = Promise.withResolvers<void>();
    wait = promise;
    return [resolve, room.connect("slow")];
  };
  return { room, asked, playerOf, tick, seenBy, slow };
}
interface User {
  x: { (): number; set(x: number): void };
  team: { (): string; set(team: string): void };
  plain: number;
}
interface State {
  isOver: { (): boolean; set(is: boolean): void };
  count: { update(change: (count: number) => number): void };
  players(): Record<string, User>;
}

describe("predicates that run again", () => {
  it("are none if no signal that they read has changed", async () => {
    const { asked, tick, room, seenBy } = await roomWith(
      ({ publicId }, owner, state) => state().isOver() || state().players()[publicId] === owner,
    );
    for (let times = 0; times < 10; times++) tick();
    expect(asked).not.toHaveBeenCalled();
    room.change(({ isOver }) => isOver.set(true));
    expect(asked).toHaveBeenCalledTimes(COUNT * COUNT);
    expect(seenBy(3)).toBe(COUNT);
  });

  it("are only those of the viewer and of the field whose signals changed", async () => {
    const { asked, playerOf, room, seenBy } = await roomWith(
      ({ user }, owner) => Math.abs((user as User).x() - owner.x()) <= 100,
    );
    expect(seenBy(0)).toBe(COUNT);
    room.change(() => playerOf(7).x.set(500));
    expect(asked.mock.calls.length).toBeLessThanOrEqual(2 * COUNT);
    expect([seenBy(0), seenBy(7)]).toEqual([COUNT - 1, 1]);
    room.change(() => playerOf(0).x.set(450));
    expect([seenBy(0), seenBy(7), seenBy(1)]).toEqual([2, 2, COUNT - 2]);
  });

  it("are those that read no signal, each time", async () => {
    const { asked, playerOf, tick, seenBy } = await roomWith((_, owner) => owner.plain === 1);
    asked.mockClear();
    playerOf(4).plain = 1;
    tick();
    expect(asked).toHaveBeenCalledTimes(COUNT * COUNT);
    expect(seenBy(0)).toBe(1);
  });

  it("are those of viewers that were answered without a signal, if others were not", async () => {
    let isChosen = false;
    const { asked, tick, seenBy, playerOf } = await roomWith(({ publicId, user }, owner, state) =>
      state().players()[publicId] === owner ? isChosen : (user as User).team() === owner.team(),
    );
    // The answer for the viewer's own entry depends on a variable that is no signal. All answers read the list of users.
    isChosen = true;
    playerOf(0).team.set("blue");
    tick();
    expect(asked.mock.calls.length).toBeLessThanOrEqual(4 * COUNT);
    expect(seenBy(1)).toBeGreaterThanOrEqual(COUNT - 2);
  });

  it("are none of viewers that joined slowly, once they are here", async () => {
    const { asked, room, tick, slow } = await roomWith(
      ({ publicId }, owner, state) => state().isOver() || publicId === owner.team(),
    );
    const [release, joined] = slow();
    tick();
    release();
    await joined;
    for (let times = 0; times < 40; times++) tick();
    asked.mockClear();
    tick();
    expect(asked).not.toHaveBeenCalled();
    room.change(({ isOver }) => isOver.set(true));
    expect(asked).toHaveBeenCalledTimes((COUNT + 1) ** 2);
  });

  it("are all if all have changed anyway, without checking what they read", async () => {
    const { asked, playerOf, room, seenBy } = await roomWith(
      ({ user }, owner) => Math.abs((user as User).x() - owner.x()) <= 100,
    );
    const everybody = (to: (index: number) => number) =>
      room.change(() => Array.from({ length: COUNT }, (_, index) => playerOf(index).x.set(to(index))));
    for (let times = 1; times <= 40; times++) {
      asked.mockClear();
      everybody((index) => index * 10 * times + times);
      expect(asked).toHaveBeenCalledTimes(COUNT * COUNT);
    }
    everybody((index) => index * 100);
    expect([seenBy(0), seenBy(5)]).toEqual([2, 3]);
  });

  it("are those of a client that is another user by now", async () => {
    const { playerOf, room, seenBy, tick } = await roomWith(
      ({ user }, owner) => (user as User).team() === owner.team(),
    );
    playerOf(0).team.set("blue");
    tick();
    expect(seenBy(0)).toBe(1);
    room.change((state) => {
      const [key] = Object.keys(state.players()) as [string];
      const Player = playerOf(0).constructor as new () => User;
      state.players()[key] = new Player();
    });
    expect(seenBy(0)).toBe(COUNT);
  });
});
