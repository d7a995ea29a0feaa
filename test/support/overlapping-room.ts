import { signal } from "@signe/reactive";
import * as z from "zod";
import { defineRoom } from "../../src/define/define-room.ts";
import { users } from "../../src/app/users.ts";
import { connected, persist, sync } from "../../src/state/fields.ts";

class Player {
  online = connected();
  moves = sync(signal(0));
  secret = sync(signal(0), { visibleTo: "owner" });
}
const stateOf = () => ({ players: users(Player), done: sync(signal<string[]>([])), versions: persist(signal(0)) });
export type State = ReturnType<typeof stateOf>;

/** Everything that waits: handlers, hooks, and calls to the other room. A step lets one of them continue. */
export class Waiting {
  #resolvers: ((outcome: number) => void)[] = [];

  async for(): Promise<number> {
    return new Promise((resolve) => this.#resolvers.push(resolve));
  }

  get size(): number {
    return this.#resolvers.length;
  }

  go(index: number, outcome: number): void {
    this.#resolvers.splice(index % Math.max(this.#resolvers.length, 1), 1)[0]?.(outcome);
  }

  goAll(): void {
    for (const resolve of this.#resolvers.splice(0)) resolve(1);
  }
}

/** @param version the number of migrations plus one; each migration adds one to a stored count */
export const roomOf = (waiting: Waiting, version: number) =>
  defineRoom({
    path: "r",
    version,
    migrate: Object.fromEntries(
      Array.from({ length: version - 1 }, (_, index) => [
        index + 2,
        (stored) => ({ ...stored, versions: Number(stored["versions"] ?? 0) + 1 }),
      ]),
    ),
    throttleSync: 0,
    throttleStorage: 0,
    sessionExpiryTime: 20_000,
    state: stateOf,
    actions: {
      act: {
        input: z.string(),
        run({ state, user }, id) {
          user.moves.update((moves) => moves + 1);
          user.secret.set(user.moves());
          state.done.update((done) => [...done, id]);
        },
      },
      wait: {
        input: z.string(),
        async run({ state, user }, id) {
          user.moves.update((moves) => moves + 1);
          await waiting.for();
          user.moves.update((moves) => moves + 1);
          state.done.update((done) => [...done, id]);
        },
      },
      close: {
        input: z.number(),
        run({ room }, at) {
          const all = [...room.connections];
          all[at % all.length]?.close(4000, "enough");
        },
      },
      drop: { run: ({ state, conn }) => void delete state.players()[conn.publicId] },
      go: { run: ({ room, conn }) => room.sessionTransfer(conn, "other") },
    },
    async onJoin({ user, conn }) {
      if (conn.sessionId === "eve") await waiting.for();
      user.moves.update((moves) => moves + 1);
    },
    async onLeave({ state }) {
      await waiting.for();
      state.done.update((done) => [...done]);
    },
    async onSessionRestore({ userSnapshot }) {
      await waiting.for();
      return userSnapshot;
    },
  }).compiled;
