import { sleepUntil } from "./sleep-until.ts";
import { connectRoom, connectWorld } from "../../client/index.ts";
import type { CallError, RoomClient } from "../../client/index.ts";
import type { Room } from "../../define/room.ts";
import type { SocketClass } from "./counted-socket.ts";
import type { LoadSettings } from "./settings.ts";
import type { Tally } from "./tally.ts";

/** A room that takes any action. */
type AnyActions = Room<unknown, Record<string, unknown>>;

/** One user: the client that a browser has, which acts at a steady rate. */
export class LoadClient {
  /** Whether it came in. Settled when that is known, or when it took too long. */
  readonly entered: Promise<boolean>;
  readonly #settings: LoadSettings;
  readonly #tally: Tally;
  readonly #number: number;
  readonly #client: RoomClient<AnyActions>;
  /** What has no answer yet. */
  readonly #calls = new Set<Promise<void>>();
  #count = 0;
  #isClosed = false;

  constructor(settings: LoadSettings, number: number, tally: Tally, socket: SocketClass) {
    this.#settings = settings;
    this.#number = number;
    this.#tally = tally;
    const { origin, party, room, world, token, timeout } = settings;
    const options = {
      host: origin,
      room,
      callTimeout: timeout,
      ...(token && { token }),
      socket: { WebSocket: socket },
    };
    this.#client =
      world === undefined
        ? connectRoom<AnyActions>({ ...options, party })
        : connectWorld<AnyActions>({ ...options, worldId: world });
    this.#client.on("error", ({ code }) => {
      if (!this.#isClosed) tally.refused(code);
    });
    this.entered = this.#enter();
  }

  close(): void {
    this.#isClosed = true;
    this.#client.close();
  }

  /**
   * Acts until it is over or aborted, whether or not the room keeps up: what users do next does not wait.
   * @param until on the clock of `performance.now`
   */
  async play(until: number, signal: AbortSignal): Promise<void> {
    const gap = 1000 / this.#settings.rate;
    // Users do not act all at the same instant.
    for (let due = performance.now() + Math.random() * gap; due < until; due += gap) {
      await sleepUntil(due, signal);
      if (this.#client.status === "closed") return;
      const call = this.#act().finally(() => this.#calls.delete(call));
      this.#calls.add(call);
    }
    await sleepUntil(until, signal);
  }

  /** All that it sent is answered, or has failed. */
  async settled(): Promise<void> {
    await Promise.all(this.#calls);
  }

  async #act(): Promise<void> {
    const { action, makeValue } = this.#settings;
    const value = makeValue({ client: this.#number, count: this.#count++ });
    this.#tally.sent++;
    const sentAt = performance.now();
    try {
      await this.#client.call(action, value);
      this.#tally.answered(performance.now() - sentAt);
    } catch (error) {
      if (!this.#isClosed) this.#tally.refused((error as CallError).code);
    }
  }

  async #enter(): Promise<boolean> {
    const startedAt = performance.now();
    const isIn = await this.#firstStatus();
    if (isIn) this.#tally.arrived(performance.now() - startedAt);
    else this.close();
    return isIn;
  }

  #firstStatus(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), this.#settings.timeout);
      this.#client.on("status", (status) => {
        // What a room says first is its last word here. A World may have another shard.
        if (status === "reconnecting" && this.#settings.world !== undefined) return;
        clearTimeout(timer);
        resolve(status === "open");
      });
    });
  }
}
