import { expect } from "vitest";
import { Client, Refused } from "./client.ts";
import type { Memory } from "./client.ts";
import type { History } from "./history.ts";
import type { Random } from "./random.ts";
import { SCHEDULES } from "./settings.ts";
import type { Service } from "./service.ts";

/** The rooms between which users move, and those that they reach through a World. */
export const CITY = ["eager-1", "eager-2", "lazy-1", "lazy-2"] as const;
export const CROWDS = ["eager-crowd", "lazy-crowd"] as const;

/** The actions of players, in proportion to how often they run; and their actions with schedules. */
const KINDS = ["add", "add", "add", "slow"] as const;
const PLANS = ["plan", "slowly", "cancel"] as const;

/** A user who acts all the time, and reconnects after each kill with the same session. */
export class Player {
  readonly name: string;
  readonly isTraveller: boolean;
  room: string;
  client: Client | undefined;
  /** It stays the same in every room, as long as the session lasts. */
  publicId: string | undefined;
  hops = 0;
  /** Called when it begins a transfer to another room. */
  onHop: () => void = () => {};
  /** Whether it sets schedules. A room that stores a schedule saves its state too. */
  isPlanning = true;
  /** Whether it stays connected without acting. */
  isResting = false;
  /** Tokens that were used, or whose transfer was called back. */
  readonly spent: { readonly room: string; readonly token: string }[] = [];
  readonly #protocol: 1 | 2;
  readonly #service: Service;
  readonly #histories: ReadonlyMap<string, History>;
  readonly #random: Random;
  #memory: Memory | undefined;
  /** The token of the next transfer, and the token of the transfer that brought it here. */
  #tokens: { readonly fresh?: string; readonly arrival?: string | undefined } = {};
  #shard: string | undefined;
  #calls = 0;

  constructor(name: string, room: string, service: Service, histories: ReadonlyMap<string, History>, random: Random) {
    this.name = name;
    this.room = room;
    this.isTraveller = (CITY as readonly string[]).includes(room);
    this.#service = service;
    this.#histories = histories;
    this.#random = random;
    this.#protocol = random.chance(0.5) ? 2 : 1;
  }

  /** The session's private id. */
  get id(): string {
    return `session-${this.name}`;
  }

  /** Connects to the room where it believes to be. @throws Refused also if the service dies meanwhile */
  async come(): Promise<void> {
    try {
      await this.#connect();
    } catch (error) {
      // The shard may be gone or full.
      if (!(error instanceof Refused) || (error.code !== 4404 && error.code !== 4503)) throw error;
      this.#shard = undefined;
      await this.#connect();
    }
    await this.client?.resend();
  }

  /** Acts until the connection is closed. */
  async live(): Promise<void> {
    const { client } = this;
    if (!client) return;
    while (client.isOpen) {
      if (this.isResting) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        continue;
      }
      if (this.isTraveller && this.#random.chance(0.1)) return this.#hop(client);
      const burst = Array.from({ length: 1 + this.#random.below(3) }, () => this.#act(client));
      await Promise.all(burst);
      await new Promise((resolve) => setTimeout(resolve, this.#random.below(20)));
    }
  }

  leave(): void {
    this.client?.close();
    this.client = undefined;
  }

  async #connect(): Promise<void> {
    const { room } = this;
    if (!this.isTraveller) this.#shard ??= await this.#service.enter(room);
    const place = this.#shard === undefined ? `main/${room}` : `shard/${this.#shard}`;
    const history = this.#histories.get(room) as History;
    const { fresh } = this.#tokens;
    const client = new Client(this.#service, place, this.#credentials(), this.#protocol, history, this.#memory);
    this.client = client;
    this.#memory = this.#protocol === 2 ? client.memory : undefined;
    await client.opened();
    if (fresh !== undefined) this.spent.push({ room, token: fresh });
    this.publicId ??= client.publicId;
    if (client.publicId !== "") expect(client.publicId, `public id of ${this.name}`).toBe(this.publicId);
  }

  /** A fresh token works without an id. Returning clients use the same URL again, where a used token does no harm. */
  #credentials(): Record<string, string> {
    const { fresh, arrival } = this.#tokens;
    this.#tokens = { arrival: fresh ?? arrival };
    const transferToken = fresh ?? arrival;
    const isBare = fresh !== undefined && this.#random.chance(0.5);
    return { ...(!isBare && { id: this.id }), ...(transferToken !== undefined && { transferToken }) };
  }

  /** Sets its name, before the first kill. */
  async introduce(): Promise<void> {
    await this.client?.call("name", this.name, `${this.name}-name`);
  }

  async #act(client: Client): Promise<void> {
    const history = this.#histories.get(this.room) as History;
    const request = `${this.name}-${this.#calls++}`;
    const kind = this.#random.one(this.isPlanning ? [...KINDS, ...PLANS] : KINDS);
    const isPlan = (PLANS as readonly string[]).includes(kind);
    const name = this.#random.one(SCHEDULES);
    const line = isPlan ? `${kind === "cancel" ? kind : "plan"}:${name}:${request}` : `${kind}:${request}`;
    const ms = this.#random.below(1500);
    history.asked(line);
    // `slowly` is not repeated: it would do again what it did before it waited.
    const at = await client.call(kind, isPlan ? { line, name, ms, request } : line, request, kind !== "slowly");
    if (typeof at === "number") history.learn(at, line);
  }

  /** Moves to another room, unless the connection breaks on the way. */
  async #hop(client: Client): Promise<void> {
    const to = this.#random.one(CITY.filter((room) => room !== this.room));
    this.onHop();
    const token = await client.call("go", to, `${this.name}-${this.#calls++}`, false);
    if (typeof token !== "string") return;
    this.hops++;
    client.close();
    // Messages that the old room did not answer must not be sent to the new one.
    this.#memory = undefined;
    if (this.#random.chance(0.1)) {
      // The player stays instead. When it reconnects, the transfer is called back.
      await this.come();
      this.spent.push({ room: to, token });
    } else {
      this.room = to;
      this.#tokens = { fresh: token };
      await this.come();
    }
    return this.live();
  }
}
