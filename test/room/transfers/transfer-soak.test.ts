import { signal } from "@signe/reactive";
import { expect, it, vi } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { persist, sync } from "../../../src/state/fields.ts";
import { TestRoom } from "../../support/harness.ts";
import type { TestClient } from "../../support/harness.ts";

class Player {
  hops = sync(signal(0));
  name = persist(signal(""));
}
const definition = defineRoom({
  path: "room-{id}",
  throttleStorage: 0,
  state: () => ({ players: users(Player) }),
  actions: {
    name: { run: ({ user }, name) => user.name.set(name as string) },
    hop: {
      run: async ({ room, conn, user }, target) => {
        user.hops.update((hops) => hops + 1);
        return room.sessionTransfer(conn, target as string);
      },
    },
    status: { run: ({ user }) => ({ name: user.name(), hops: user.hops() }) },
  },
});

const USERS = 200;
const ROOMS = 5;
const ROUNDS = 12;
/**
 * Small pseudorandom numbers from a seed, so that a failing run can be repeated.
 * https://en.wikipedia.org/wiki/Linear_congruential_generator
 */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return Math.floor((state / 2 ** 32) * below);
  };
}

interface Traveller {
  readonly id: string;
  room: number;
  /** The number of confirmed hops. One more may have been counted if its answer was lost. */
  least: number;
  most: number;
}

it(`${USERS} users move between ${ROOMS} rooms that crash: each exists exactly once, and has lost nothing`, async () => {
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  const seed = Date.now() % 1_000_000;
  const random = numbers(seed);
  const first = new TestRoom<{ players(): Record<string, Player> }>(definition, "room-0");
  const rooms = [first, ...Array.from({ length: ROOMS - 1 }, (_, index) => first.sibling(`room-${index + 1}`))];
  const travellers: Traveller[] = [];
  for (let index = 0; index < USERS; index++) {
    const traveller = { id: `user-${index}`, room: random(ROOMS), least: 0, most: 0 };
    const client = await (rooms[traveller.room] as TestRoom).connect({ id: traveller.id });
    await client.call("name", traveller.id);
    client.close();
    travellers.push(traveller);
  }

  /** One hop. A crash may end the connection before the answer arrives. */
  async function hop(traveller: Traveller): Promise<void> {
    const target = (traveller.room + 1 + random(ROOMS - 1)) % ROOMS;
    let client: TestClient;
    try {
      client = await (rooms[traveller.room] as TestRoom).connect({ id: traveller.id });
    } catch {
      return;
    }
    traveller.most++;
    const answer = await Promise.race([
      client.call("hop", `room-${target}`).catch(() => undefined),
      client.closed.then(() => undefined),
    ]);
    if (answer?.type === "ack") {
      traveller.least++;
      traveller.room = target;
    }
    client.close();
  }

  for (let round = 0; round < ROUNDS; round++) {
    const group = Array.from({ length: 40 }, () => travellers[random(USERS)] as Traveller);
    const hops = [...new Set(group)].map((traveller) => hop(traveller));
    // All rooms crash while hops are under way, and lose their memory and sockets.
    await Promise.race(hops);
    if (round % 2 === 0) await first.crash();
    await Promise.all(hops);
  }

  const found = new Map<string, { hops: number; room: number }[]>();
  for (const traveller of travellers) {
    const client = await (rooms[traveller.room] as TestRoom).connect({ id: traveller.id });
    const { name, hops } = (await client.call("status")).value["result"] as { name: string; hops: number };
    expect(name, `seed ${seed}`).toBe(traveller.id);
    expect(hops, `seed ${seed}`).toBeGreaterThanOrEqual(traveller.least);
    expect(hops, `seed ${seed}`).toBeLessThanOrEqual(traveller.most);
    client.close();
  }
  // The alarm calls back transfers that a crash interrupted.
  for (const room of rooms) await room.alarm();
  for (const [index, room] of rooms.entries()) {
    await room.inside((state) => {
      for (const player of Object.values(state.players())) {
        const places = found.get(player.name()) ?? [];
        found.set(player.name(), [...places, { hops: player.hops(), room: index }]);
      }
    });
  }
  const twice = [...found].filter(([, places]) => places.length !== 1);
  expect(twice, `seed ${seed}`).toEqual([]);
  expect(found.size).toBe(USERS);
  expect(travellers.reduce((sum, traveller) => sum + traveller.least, 0)).toBeGreaterThan(100);
  log.mockRestore();
});
