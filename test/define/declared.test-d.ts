import { signal } from "@signe/reactive";
import { expectTypeOf } from "vitest";
import { z } from "zod";
import { connectRoom } from "../../src/client/index.ts";
import type { ClientOf, ReceivedPacket, RoomClient } from "../../src/client/index.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import type { AnyRoom, StateOf, UserOf } from "../../src/define/room.ts";
import type { ActionContext, Connection, Guard, Packet, RoomHandle, RoomTypes } from "../../src/define/types.ts";
import { users } from "../../src/app/users.ts";
import { sync } from "../../src/state/fields.ts";

const events = {
  chat: z.object({ text: z.string(), at: z.date(), mood: z.string().default("calm") }),
  bell: z.undefined(),
  gone: z.string().optional(),
};
class Player {
  x = sync(signal(0));
}
const makeState = () => ({ price: sync(signal(0)), players: users(Player) });
type State = StateOf<typeof makeState>;

// Functions of the developer that take any room, or a room of this type.
const announceTo = (room: RoomHandle, text: string) => room.broadcast({ type: "anything", value: text });
const chatTo = (room: RoomHandle<RoomTypes<typeof events>>, text: string) =>
  room.broadcast({ type: "chat", value: { text, at: new Date() } });
const raise = ({ state, user }: ActionContext<State>) => state.price.update((price) => price + user.x());
const isCheap: Guard<State> = ({ state, room, conn }) => {
  expectTypeOf(conn?.state).toBeUnknown();
  return state.price() < 10 && room.id !== "";
};

export const auction = defineRoom({
  path: "auction-{id}",
  state: makeState,
  guards: [isCheap],
  events,
  connectionState: () => ({ page: 1, tags: [] as string[] }),
  actions: {
    bid: {
      input: z.number(),
      guards: [isCheap, ({ room, conn }) => room.schedules.length === (conn?.state.page ?? 0)],
      run(context, price) {
        const { room, conn, user } = context;
        raise(context);
        announceTo(room, "x");
        chatTo(room, "x");
        expectTypeOf(user).toEqualTypeOf<Player>();

        room.schedule("end", 60_000, { price });
        room.schedule("tidy", new Date());
        room.schedule("anything", 1, new Map());
        room.unschedule("end");
        room.schedule("end", 60_000, { price }, { key: "orc" });
        room.schedule("tidy", 1, undefined, { key: "orc" });
        room.unschedule("end", { key: "orc" });
        // @ts-expect-error a key is a string
        room.schedule("end", 60_000, { price }, { key: 1 });
        // @ts-expect-error there is no such option
        room.unschedule("end", { keys: "orc" });
        // @ts-expect-error there is no such schedule
        room.schedule("ned", 60_000, { price });
        // @ts-expect-error the price is a number
        room.schedule("end", 60_000, { price: "1" });
        // @ts-expect-error it needs its payload
        room.schedule("end", 60_000);
        // @ts-expect-error it takes nothing
        room.schedule("tidy", 1, { price });
        // @ts-expect-error there is no such schedule
        room.unschedule("ned");

        room.broadcast({ type: "chat", value: { text: "hi", at: new Date() } }, { except: conn });
        room.send(conn, { type: "bell" });
        conn.send({ type: "gone", value: "ada" });
        conn.send({ type: "gone" });
        room.connections[0]?.send({ type: "bell" });
        // @ts-expect-error there is no such event
        room.broadcast({ type: "chatt", value: "hi" });
        // @ts-expect-error its value has another type
        room.broadcast({ type: "chat", value: "hi" });
        // @ts-expect-error it needs its value
        conn.send({ type: "chat" });
        // @ts-expect-error that is the value of another event
        room.send(conn, { type: "gone", value: { text: "hi", at: new Date() } });

        expectTypeOf(conn.state).toEqualTypeOf<{ page: number; tags: string[] }>();
        conn.setState({ page: 2, tags: [] });
        conn.setState((previous) => ({ ...previous, page: previous.page + 1 }));
        // @ts-expect-error a page is a number
        conn.setState({ page: "2", tags: [] });
        // @ts-expect-error there is no such key
        void conn.state.pages;
      },
    },
  },
  requests: {
    "GET /price": { run: ({ state, room }) => (room.schedule("tidy", 1), { price: state.price() }) },
    // @ts-expect-error there is no such method
    "FETCH /price": { run: ({ state }) => state.price() },
    // @ts-expect-error a path begins with a slash
    "GET price": { run: () => 1 },
    // @ts-expect-error a request is a method and a path
    price: { run: () => 1 },
  },
  schedules: {
    end: {
      payload: z.object({ price: z.number(), by: z.string().default("nobody") }),
      run({ state, room, key }, payload) {
        expectTypeOf(key).toEqualTypeOf<string | undefined>();
        expectTypeOf(payload).toEqualTypeOf<{ price: number; by: string }>();
        state.price.set(payload.price);
        room.schedule("end", 1, payload);
        // @ts-expect-error there is no such schedule
        room.schedule("ned", 1);
      },
    },
    tidy: { payload: z.undefined(), run: ({ room }) => room.broadcast({ type: "bell" }) },
    anything: { run: (_context, payload) => expectTypeOf(payload).toBeUnknown() },
  },
  onJoin({ conn, room }) {
    conn.send({ type: "bell" });
    // @ts-expect-error there is no such event
    room.broadcast({ type: "joined" });
  },
  tick: { hz: 1, run: ({ room }) => room.schedule("tidy", 1) },
  interceptorPacket: (_context, packet) => (expectTypeOf(packet).toEqualTypeOf<Packet>(), packet),
});

// The events that clients receive.
const client = connectRoom<typeof auction>({ host: "x", room: "auction-1" });
client.on("chat", (value, packet) => {
  expectTypeOf(value).toEqualTypeOf<{ text: string; at: string; mood?: string | undefined }>();
  expectTypeOf(packet).toEqualTypeOf<ReceivedPacket>();
});
client.on("bell", (value) => expectTypeOf(value).toEqualTypeOf<undefined>());
client.on("gone", (value) => expectTypeOf(value).toEqualTypeOf<string | undefined>());
client.on("status", (status) => expectTypeOf(status).toEqualTypeOf<typeof client.status>());
// @ts-expect-error there is no such event
client.on("chatt", () => {});
const heard = (value: { text: string }) => console.log(value.text);
client.on("chat", heard);
client.off("chat", heard);
// @ts-expect-error its value is not a number
client.on("chat", (value: number) => value);
// @ts-expect-error there is no such action; TypeScript says which there are
client.emit("bidd", 1);

expectTypeOf<ClientOf<typeof auction>>().toEqualTypeOf<RoomClient<typeof auction>>();
expectTypeOf<UserOf<typeof auction>>().toEqualTypeOf<Player>();
expectTypeOf<UserOf<State>>().toEqualTypeOf<Player>();
expectTypeOf<StateOf<typeof auction>>().toEqualTypeOf<State>();
expectTypeOf<State>().toEqualTypeOf<ReturnType<typeof makeState>>();
const rooms: AnyRoom[] = [auction];
const anyClient: RoomClient<AnyRoom> = client;
void [rooms, anyClient];
// @ts-expect-error that room sends other events
const wrong = (room: RoomHandle<RoomTypes<{ other: z.ZodString }>>) => chatTo(room, "x");
void wrong;

// Without declarations, any packet, schedule name and payload is accepted.
const free = defineRoom({
  path: "free",
  state: () => ({}),
  schedules: { later: { run: (_context, payload) => expectTypeOf(payload).toBeUnknown() } },
  onJoin({ room, conn }) {
    room.broadcast({ type: "anything", value: 1, more: 2 });
    room.schedule("later", 1, { anything: true });
    room.schedule("later", 1);
    // @ts-expect-error there is no such schedule
    room.schedule("sooner", 1);
    expectTypeOf(conn.state).toBeUnknown();
    conn.setState(5);
  },
});
connectRoom<typeof free>({ host: "x", room: "free" }).on("anything", (value) => expectTypeOf(value).toBeUnknown());
const untyped: Connection = {} as Connection<{ page: number }>;
void untyped;

// @ts-expect-error an event needs a schema
defineRoom({ path: "no-schema", state: () => ({}), events: { chat: "text" } });
