import { signal } from "@signe/reactive";
import { Bench } from "tinybench";
import { defineRoom } from "../../src/define/define-room.ts";
import type { Socket } from "../../src/platform/ports.ts";
import { users } from "../../src/app/users.ts";
import { sync } from "../../src/state/fields.ts";
import { near } from "../../src/state/near.ts";
import { MemoryRoom } from "../support/memory.ts";
import { gameRoom, Player } from "./workers/game-room.ts";
import type { GameState } from "./workers/game-room.ts";

/**
 * `npm run bench:micro`: the hot path alone, in Node, with sockets that only count. For use while optimizing. The cost
 * of a room in a real runtime is measured by `npm run bench`.
 */
const { compiled } = gameRoom("micro-{id}", 0);

class Walker {
  x = sync(signal(0));
  y = sync(signal(0));
}
/** Fields whose `visibleTo` function is called for each viewer and field. */
class Asked {
  x = sync(signal(0), { visibleTo: (viewer) => this.#isNear(viewer.user as Walker) });
  y = sync(signal(0), { visibleTo: (viewer) => this.#isNear(viewer.user as Walker) });

  #isNear({ x, y }: Walker): boolean {
    return Math.hypot(x() - this.x(), y() - this.y()) <= 100;
  }
}
const SIGHTS = {
  near: () => users(Walker, { visibleTo: near({ x: "x", y: "y", radius: 100 }) }),
  "near with rings": () =>
    users(Walker, { visibleTo: near({ x: "x", y: "y", rings: [{ radius: 50 }, { radius: 100, hz: 4 }] }) }),
  "near with nearest": () => users(Walker, { visibleTo: near({ x: "x", y: "y", radius: 100, nearest: 10 }) }),
  "a function": () => users<Walker>(Asked),
};
interface CrowdState {
  players(): Record<string, Walker>;
}

class CountingSocket implements Socket {
  isOpen = true;
  readonly endsLate = true;
  packets = 0;
  #attachment: unknown;
  readonly pingedAt = 0;
  accept(): void {}
  send(): number {
    this.packets++;
    return 0;
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

/** A room with clients, and with players that only stand there. */
async function fill(clients: number, bots = 0) {
  const room = new MemoryRoom<GameState>(compiled);
  const sockets: CountingSocket[] = [];
  for (let index = 0; index < clients; index++) sockets.push(await join(room, `client-${index}`));
  room.change((state) => {
    for (let index = 0; index < bots; index++) state.players()[`bot-${index}`] = new Player();
  });
  // Store everything first, because storing is not measured here.
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
/** The first players move by up to 7 on a map of 1000 × 1000, and see all within 100. Includes setting the signals. */
async function addCrowd(by: keyof typeof SIGHTS, count: number, moving = count): Promise<void> {
  const state = () => ({ players: SIGHTS[by]() });
  const room = new MemoryRoom<CrowdState>(
    defineRoom({ path: "crowd-{id}", throttleSync: 0, throttleStorage: 3_600_000, state }).compiled,
  );
  for (let index = 0; index < count; index++) await join(room as never, `one-${index}`);
  const players = Object.values(room.state.players());
  const step = (value: number) => Math.min(1000, Math.max(0, value + Math.random() * 14 - 7));
  room.change(() => players.forEach(({ x, y }) => (x.set(Math.random() * 1000), y.set(Math.random() * 1000))));
  const movers = players.slice(0, moving);
  bench.add(`window, ${moving} of ${count} move, seen by ${by}`, () => {
    room.change(() => movers.forEach(({ x, y }) => (x.set(step(x())), y.set(step(y())))));
  });
}
for (const count of [500, 1000]) await addCrowd("near", count);
await addCrowd("near", 1100, 1000);
await addCrowd("near", 1000, 1);
await addCrowd("near with rings", 1000);
await addCrowd("near with nearest", 1000);
for (const count of [100, 300]) await addCrowd("a function", count);
await addCrowd("a function", 300, 1);

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
