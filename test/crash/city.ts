import { expect } from "vitest";
import { Client, Refused } from "./client.ts";
import { History } from "./history.ts";
import { CITY, CROWDS, Player } from "./player.ts";
import type { Random } from "./random.ts";
import { LAZY_MS } from "./settings.ts";
import { Service } from "./service.ts";
import type { Dump } from "./service.ts";

const ROOMS = [...CITY, ...CROWDS];
const TRAVELLERS = 10;
const IN_EACH_CROWD = 5;
/**
 * The time within which a condition has to become true, in ms. Most take less than a second, even if two busy loops
 * compete for two cores. But a transfer that cannot be called back at once is tried again after 5 s, up to twice.
 */
const PATIENCE = 15_000;
/** How long a user without a socket may stay online after a kill, in ms. */
const TIME_TO_RETURN = 12_000;

/** A service with its rooms and all of its users. */
export class City {
  readonly service = new Service();
  readonly histories = new Map(
    ROOMS.map((room) => [room, new History(room, room.startsWith("lazy") ? LAZY_MS : 0)] as const),
  );
  readonly players: readonly Player[];
  readonly #random: Random;
  /** The running activities of players. */
  #doings: Promise<void>[] = [];
  /** Connections that strangers opened with spent tokens. */
  #strangers: Client[] = [];
  /** When the service last started. */
  #startedAt = 0;

  constructor(random: Random) {
    this.#random = random;
    const make = (name: string, room: string) => new Player(name, room, this.service, this.histories, random.fork());
    this.players = [
      ...Array.from({ length: TRAVELLERS }, (_, index) => make(`t${index}`, random.one(CITY))),
      ...CROWDS.flatMap((room) =>
        Array.from({ length: IN_EACH_CROWD }, (_, index) => make(`${room[0]}${index}`, room)),
      ),
    ];
  }

  /** Lets all players join for the first time, and waits until they are stored. */
  async open(): Promise<void> {
    await this.service.start();
    await Promise.all(
      this.players.map(async (player) => {
        await player.come();
        await player.introduce();
      }),
    );
    await this.trim();
  }

  /** Lets players join and act. @param arePlanning whether they set schedules */
  send(players: readonly Player[], arePlanning: boolean): void {
    for (const player of players) {
      player.isPlanning = arePlanning;
      player.isResting = false;
    }
    this.#doings = players.map(async (player) => {
      if (!player.client?.isOpen) await player.come();
      await player.live();
    });
    // Their outcomes are checked after the kill.
    for (const doing of this.#doings) doing.catch(() => {});
  }

  /** Kills the service at any point, and starts it again. Checks its state before any player reconnects. */
  async kill(): Promise<void> {
    const killedAt = await this.service.kill();
    await this.#end();
    await this.service.start();
    this.#startedAt = Date.now();
    for (const room of ROOMS) {
      const dump = await this.service.dump(room);
      this.histories.get(room)?.survived(dump, this.service.boot, killedAt);
      this.#check(room, dump);
      this.#checkPresence(room, dump);
    }
  }

  /** Resolves when a player begins a transfer to another room. */
  async nextHop(): Promise<void> {
    await new Promise<void>((resolve) => {
      for (const player of this.players) player.onHop = resolve;
    });
  }

  /** Stops the service for good. */
  async close(): Promise<void> {
    await this.service.stop();
    await this.#end();
  }

  /** Some players join, the others stay away. Waits until all rooms show this. */
  async settle(coming: readonly Player[]): Promise<void> {
    for (const player of this.players) if (!coming.includes(player)) player.leave();
    await Promise.all(coming.map(async (player) => player.client?.isOpen || player.come()));
    await eventually(async () => {
      const dumps = new Map<string, Dump>();
      for (const room of ROOMS) dumps.set(room, this.#check(room, await this.service.dump(room)));
      this.#checkPlaces(dumps);
      for (const [room, dump] of dumps) this.#checkPresence(room, dump);
    });
    await this.#checkTokens();
  }

  /** Checks that the World counts its clients correctly, and that no shard exceeds its capacity. */
  async checkWorld(): Promise<void> {
    await eventually(async () => {
      const shards = await this.service.shards();
      for (const room of CROWDS) {
        const those = shards.filter(({ roomId }) => roomId === room);
        for (const { connections, capacity } of those) expect(connections).toBeLessThanOrEqual(capacity);
        const here = this.players.filter((player) => player.room === room && player.client?.isOpen);
        expect([room, those.reduce((sum, { connections }) => sum + connections, 0)]).toEqual([room, here.length]);
      }
    });
  }

  /** Checks that all schedules run in the end. */
  async runOut(): Promise<void> {
    await eventually(async () => {
      for (const room of ROOMS) expect(this.#check(room, await this.service.dump(room)).schedules).toEqual([]);
    });
  }

  /** Drops log lines that have been checked, so that logs do not grow without limit. */
  async trim(): Promise<void> {
    for (const [room, history] of this.histories) {
      const { count } = this.#check(room, await this.service.dump(room));
      await this.service.trim(room, count);
      history.trimmed(count);
    }
  }

  #check(room: string, dump: Dump): Dump {
    this.histories.get(room as (typeof ROOMS)[number])?.check(dump);
    return dump;
  }

  /** Waits until everything that the dead service had sent has arrived. */
  async #end(): Promise<void> {
    const clients = this.players.flatMap(({ client }) => client ?? []);
    await Promise.all(clients.map((client) => client.closed));
    for (const outcome of await Promise.allSettled(this.#doings)) {
      if (outcome.status === "rejected" && !isDeath(outcome.reason)) throw outcome.reason;
    }
    for (const stranger of this.#strangers) expect((await stranger.closed).code, "a spent token").toBe(4403);
    this.#doings = [];
    this.#strangers = [];
  }

  /**
   * Checks that each user is in exactly one room, and that connected users are in the room to which they are connected.
   */
  #checkPlaces(dumps: ReadonlyMap<string, Dump>): void {
    for (const { name, room, client } of this.players) {
      const places = [...dumps].filter(([, { players }]) => players.some((player) => player.name === name));
      const found = places.map(([place]) => place);
      expect(found, `rooms of ${name}`).toHaveLength(1);
      if (client?.isOpen) expect([name, ...found]).toEqual([name, room]);
    }
  }

  /**
   * Checks that users with a socket are online and have received everything, and that online users have a socket,
   * unless they still have time to come back after a kill.
   */
  #checkPresence(room: string, { connected, players, log, count }: Dump): void {
    const clients = this.players.filter((player) => player.room === room && player.client?.isOpen);
    const here = new Set(clients.map(({ publicId }) => publicId));
    expect(connected, `connections of ${room}`).toHaveLength(here.size);
    expect(new Set(connected), `connected to ${room}`).toEqual(here);
    const online = players.filter(({ isOnline }) => isOnline).map(({ publicId }) => publicId);
    const mayBeAway = Date.now() - this.#startedAt < TIME_TO_RETURN;
    const expected = mayBeAway ? new Set([...here, ...online]) : here;
    expect(new Set(online), `online in ${room}`).toEqual(expected);
    const lines = log.map(([at, text]) => [String(at), text]);
    for (const { name, client } of clients) {
      const { state } = (client as Client).memory;
      const seen = Object.entries((state["log"] ?? {}) as Record<string, { text: string }>);
      expect([name, state["count"], seen.map(([at, { text }]) => [at, text])]).toEqual([name, count, lines]);
    }
  }

  /** Tries to join with a spent token, which must be refused. */
  async #checkTokens(): Promise<void> {
    const spent = this.players.flatMap((player) => player.spent);
    if (spent.length === 0) return;
    const { room, token } = this.#random.one(spent);
    const stranger = new Client(this.service, `main/${room}`, { transferToken: token }, 1, new History(room, 0));
    this.#strangers.push(stranger);
    await eventually(async () => expect(stranger.isClosing, `whether a spent token of ${room} is refused`).toBe(true));
  }
}

/** Waits until a check passes. @throws the last error of the check */
async function eventually(check: () => Promise<void>): Promise<void> {
  const end = Date.now() + PATIENCE;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Whether something failed because the process was killed. */
function isDeath(error: unknown): boolean {
  if (error instanceof Refused) return error.code === 1006;
  return error instanceof TypeError && ["fetch failed", "terminated"].includes(error.message);
}
