import { signal } from "@signe/reactive";
import * as z from "zod";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { sync } from "../../../src/state/fields.ts";
import { near } from "../../../src/state/near.ts";

/** Players start at random positions on a map of this width. */
const MAP = 1000;
const somewhere = () => Math.floor(Math.random() * MAP);

class Walker {
  x = sync(signal(somewhere()));
  y = sync(signal(somewhere()));
  score = sync(signal(0));
}
const coordinate = z.number().min(0).max(10_000);

/** A crowd in a room of this project: players see those within 100. */
export function crowdRoom(path: string, throttleSync: number | "auto") {
  return defineRoom({
    path,
    throttleSync,
    rateLimit: { messages: 1e9, per: 1000 },
    state: () => ({ players: users(Walker, { visibleTo: near({ x: "x", y: "y", radius: 100 }) }) }),
    actions: {
      move: {
        input: z.object({ x: coordinate, y: coordinate }),
        run({ user }, { x, y }) {
          user.x.set(x);
          user.y.set(y);
        },
      },
    },
  });
}
