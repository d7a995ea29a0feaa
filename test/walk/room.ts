import { signal } from "@signe/reactive";
import * as z from "zod";
import { defineRoom } from "../../src/define/define-room.ts";
import { sync, users } from "../../src/state/fields.ts";
import { MemoryRoom } from "../support/memory.ts";

class Player {
  x = sync(signal(0));
}

const { compiled } = defineRoom({
  path: "walk-{id}",
  throttleSync: 0,
  state: () => ({ round: sync(signal(0)), players: users(Player) }),
  actions: {
    move: {
      input: z.object({ x: z.number() }),
      run: ({ user }, { x }) => user.x.set(x),
    },
  },
});

/** What is walked: each starts a way through the code, and resolves when that is done. */
export interface WalkedRoom {
  /** One client moves: both are told, and it gets an ack. */
  act(): Promise<void>;
  /** Lets time pass, until what the action changed is stored. */
  rest(): Promise<void>;
  /** Its state is stored, and it is put to sleep while its clients stay: it wakes. */
  wake(): Promise<void>;
}

/** A room in memory with two clients of protocol 2, that sends at once. */
export async function createRoom(): Promise<WalkedRoom> {
  const room = new MemoryRoom<{ players(): Record<string, Player> }>(compiled);
  const client = await room.connect("one", null, undefined, "protocol=2");
  const other = await room.connect("two", null, undefined, "protocol=2");
  // What the clients of the tests do with packets is not part of it.
  for (const socket of [client, other]) socket.clients.splice(0);
  // What joining left to be stored is not part of the action.
  await room.advance(5000);
  return {
    async act() {
      const before = other.texts.length;
      await room.core.message(client, JSON.stringify({ action: "move", value: { x: 1 }, id: 1 }));
      if (other.texts.length !== before + 1 || !client.texts.at(-1)?.includes('"ack"')) {
        throw new Error("The action was not sent to both clients and acknowledged");
      }
    },
    rest: () => room.advance(5000),
    async wake() {
      room.start();
      await room.core.started;
    },
  };
}
