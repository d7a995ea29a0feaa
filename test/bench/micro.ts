import { Bench } from "tinybench";
import type { Socket } from "../../src/platform/ports.ts";
import { MemoryRoom } from "../support/memory.ts";
import { gameRoom, Player } from "./workers/game-room.ts";
import type { GameState } from "./workers/game-room.ts";

/**
 * `npm run bench:micro`: the hot path alone, in Node, with sockets that only count. For use while optimising: what a
 * room costs with a runtime around it is measured by `npm run bench`.
 */
const { compiled } = gameRoom("micro-{id}", 0);

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
