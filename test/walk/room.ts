import { signal } from "@signe/reactive";
import * as z from "zod";
import { defineRoom } from "../../src/define/define-room.ts";
import { users } from "../../src/app/users.ts";
import { sync } from "../../src/state/fields.ts";
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

/** The measured paths. Each function starts one, and resolves when it has ended. */
export interface WalkedRoom {
  /** One client moves: both clients are told, and the first one gets an ack. */
  act(): Promise<void>;
  /** Waits until the changes of the action are stored. */
  rest(): Promise<void>;
  /** Saves the state, puts the room to sleep while its clients stay, and wakes it. */
  wake(): Promise<void>;
}

/** A room in memory with two clients of protocol 2, which sends changes at once. */
export async function createRoom(): Promise<WalkedRoom> {
  const room = new MemoryRoom<{ players(): Record<string, Player> }>(compiled);
  const client = await room.connect("one", null, undefined, "protocol=2");
  const other = await room.connect("two", null, undefined, "protocol=2");
  // Remove the test clients: their work is not part of the path.
  for (const socket of [client, other]) socket.clients.splice(0);
  // Store the changes of joining first: they are not part of the action.
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
