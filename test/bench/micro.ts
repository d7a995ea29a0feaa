import { signal } from "@signe/reactive";
import { Bench } from "tinybench";
import { defineRoom } from "../../src/define/define-room.ts";
import type { Socket } from "../../src/platform/ports.ts";
import { sync, users } from "../../src/state/fields.ts";
import { near } from "../../src/state/near.ts";
import { MemoryRoom } from "../support/memory.ts";
import { gameRoom, Player } from "./workers/game-room.ts";
import type { GameState } from "./workers/game-room.ts";

/**
 * `npm run bench:micro`: the hot path alone, in Node, with sockets that only count. For use while optimising: what a
 * room costs with a runtime around it is measured by `npm run bench`.
 */
const { compiled } = gameRoom("micro-{id}", 0);

class Walker {
  x = sync(signal(0));
  y = sync(signal(0));
}
const crowdState = () => ({ players: users(Walker, { visibleTo: near({ x: "x", y: "y", radius: 100 }) }) });
type CrowdState = ReturnType<typeof crowdState>;
const crowdRoom = defineRoom({ path: "crowd-{id}", throttleSync: 0, throttleStorage: 3_600_000, state: crowdState });

class CountingSocket implements Socket {
  isOpen = true;
  readonly endsLate = true;
  packets = 0;
  #attachment: unknown;
  accept(): void {}
  send(): void {
    this.packets++;
  }
  close(): void {
    this.isOpen = false;
  }
  attachment(): unknown {
    return this.#attachment;
  }
  attach(value: unknown): void {
    this.#attachment = value;
  }
}

async function join(room: MemoryRoom<GameState>, id: string): Promise<CountingSocket> {
  const socket = new CountingSocket();
  const request = new Request(`http://room/?id=${id}`);
  await room.core.connect({ request, auth: null, sessionId: id, socket });
  return socket;
}

/** A room with clients, and with players who only stand there. */
async function fill(clients: number, bots = 0) {
  const room = new MemoryRoom<GameState>(compiled);
  const sockets: CountingSocket[] = [];
  for (let index = 0; index < clients; index++) sockets.push(await join(room, `client-${index}`));
  room.change((state) => {
    for (let index = 0; index < bots; index++) state.players()[`bot-${index}`] = new Player();
  });
  // What waits to be stored is not what is measured.
  await room.advance(5000);
  return { room, first: sockets[0] as CountingSocket };
}

const bench = new Bench({ time: 500, warmupTime: 200 });

async function addAction(action: string, clients: number, bots = 0): Promise<void> {
  const { room, first } = await fill(clients, bots);
  let count = 0;
  const name = `${action}, ${clients} ${clients === 1 ? "client" : "clients"}${bots ? `, ${bots} others` : ""}`;
  bench.add(name, () => {
    count = (count + 1) % 1000;
    void room.core.message(first, `{"action":"${action}","value":{"x":${count},"y":${999 - count}}}`);
  });
}

await addAction("nothing", 1);
await addAction("checked", 1);
for (const clients of [1, 20, 100]) await addAction("move", clients);
await addAction("five", 20);
for (const bots of [50, 5000, 50_000]) await addAction("move", 5, bots);

const crowd = await fill(50);
/** All of them move by up to 7 on a map of 1000 × 1000, and see what is within 100. */
async function addCrowd(count: number): Promise<void> {
  const room = new MemoryRoom<CrowdState>(crowdRoom.compiled);
  for (let index = 0; index < count; index++) await join(room as never, `one-${index}`);
  const players = Object.values(room.state.players());
  const step = (value: number) => Math.min(1000, Math.max(0, value + Math.random() * 14 - 7));
  const spread = () => players.forEach(({ x, y }) => (x.set(Math.random() * 1000), y.set(Math.random() * 1000)));
  room.change(spread);
  bench.add(`window, ${count} who all move, near`, () => {
    room.change(() => players.forEach(({ x, y }) => (x.set(step(x())), y.set(step(y())))));
  });
}
for (const count of [500, 1000]) await addCrowd(count);

let joined = 0;
bench.add("join and leave, 50 others", async () => {
  const socket = await join(crowd.room, `guest-${joined++ % 100}`);
  crowd.room.core.closed(socket);
});
for (const bots of [50, 5000]) {
  const { room } = await fill(0, bots);
  bench.add(`wake, ${bots} stored`, () => room.crash());
}

await bench.run();
console.table(
  bench.tasks.map(({ name, result }) =>
    "latency" in result
      ? { name, µs: (result.latency.p50 * 1000).toFixed(2), "± %": result.latency.rme.toFixed(1) }
      : { name, µs: "failed", "± %": "" },
  ),
);
