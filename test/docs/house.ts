// house.ts
import { defineRoom, signal, sync, users } from "../../src/index.ts";
import type { ActionContext, Guard, RoomHandle, RoomTypes, StateOf, UserOf } from "../../src/index.ts";
import * as z from "zod";

class Bidder {
  spent = sync(signal(0));
}
const makeState = () => ({ price: sync(signal(10)), bidders: users(Bidder) });
const events = { sold: z.object({ to: z.string(), price: z.number() }) };
const end = z.object({ to: z.string() });

// What the definition uses is typed by its parts.
type State = StateOf<typeof makeState>;
type Room = RoomHandle<RoomTypes<typeof events, { end: typeof end }>>;

const isCheap: Guard<State> = ({ state }) => state.price() < 1000;

function pay({ state, user }: ActionContext<State>): void {
  user.spent.update((spent) => spent + state.price());
}
function announce(room: Room, to: string, price: number): void {
  room.broadcast({ type: "sold", value: { to, price } });
}
/** Of any room. */
function place(room: RoomHandle): string {
  return `${room.party}/${room.id}`;
}

export const house = defineRoom({
  path: "house-{id}",
  state: makeState,
  events,
  connectionState: () => ({ page: 1 }), // what conn.state is at first
  actions: {
    bid: {
      guards: [isCheap],
      run(context) {
        const { room, conn } = context;
        pay(context);
        room.schedule("end", 60_000, { to: conn.publicId });
        return { where: place(room), page: conn.state.page };
      },
    },
  },
  schedules: {
    end: { payload: end, run: ({ state, room }, { to }) => announce(room, to, state.price()) },
  },
});

// Anything else, tests for example, is typed by the definition.
export const priceOf = (state: StateOf<typeof house>): number => state.price();
export const spentBy = (user: UserOf<typeof house>): number => user.spent();
