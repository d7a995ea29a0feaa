// oxlint-disable-next-line import/no-unassigned-import -- what partysocket extends, where it is missing
import "./event-classes.ts";
import PartySocket from "partysocket/ws";
import { originOf } from "./address.ts";
import { TRY_LATER } from "../protocol/codes.ts";
import { connectFailure } from "./connect-failure.ts";
import { ConnectError } from "./errors.ts";
import type { CommonOptions, AnyJoin } from "./options.ts";
import type { Destination } from "./destination.ts";
import { pause } from "./network.ts";
import { NO_ANSWER, openWebSocket, RENEWED } from "./web-socket.ts";

/** One attempt to connect, and the connection that it became. */
interface Attempt {
  isBroken: boolean;
  isOpen: boolean;
  /** How the room closes the connection, from when it says so. */
  closing?: { readonly code: number; readonly reason: string };
}

/** The callbacks of a {@link ReconnectingSocket}. */
export interface SocketEvents {
  /** What a new connection adds to the URL. */
  readonly query: () => Record<string, string>;
  readonly opened: () => void;
  readonly received: (data: unknown) => void;
  /** The connection was lost: it reconnects by itself. */
  readonly lost: () => void;
  /** An attempt failed. Told again only for another reason, or after the room let the client in. */
  readonly failed: (error: ConnectError) => void;
  /** The connection ended for good. */
  readonly ended: (code: number, reason: string) => void;
}

/** Those of partysocket. */
const DELAYS = { maxReconnectionDelay: 10_000, reconnectionDelayGrowFactor: 1.3, minUptime: 5000 };
type Delays = typeof DELAYS & { readonly minReconnectionDelay: number };
/** How long to wait after {@link TRY_LATER} at least, in ms; and as much again at random, so that not all come at once. */
const LATER = 300_000;

/** How often in a row another place is looked for at once: what a World knows of its rooms may be a second old. */
const MOST_HURRIES = 5;

const CLOSED = "closed";

/**
 * A socket to a destination, which reconnects when it is lost, with growing delays. Each attempt asks the destination
 * for its address.
 */
export class ReconnectingSocket {
  readonly #destination: Destination;
  readonly #options: CommonOptions & AnyJoin;
  readonly #events: SocketEvents;
  /** The session id: the same one for all attempts, so that the user stays the same. */
  readonly #id: string | Promise<string>;
  readonly #delays: Delays;
  readonly #socket: PartySocket;
  /** Ends what waits, for good. */
  readonly #end = new AbortController();
  /** The attempt or the connection that there is. */
  #attempt: Attempt | undefined;
  #uptime: ReturnType<typeof setTimeout> | undefined;
  /** How many attempts there were since a connection lasted. */
  #retries = 0;
  /** How long the next attempt has to wait, in ms. */
  #wait = 0;
  /** As the room says: over how many ms clients spread their first attempts that lost their connections together. */
  spread = 0;
  /** How often in a row an attempt did not wait. */
  #hurries = 0;
  #isHurried = false;
  /** Whether the room has let the client in on this connection. */
  #isIn = false;
  /** Why the client is not let in, as far as that was told. */
  #told: ConnectError["code"] | undefined;

  constructor(
    destination: Destination,
    id: string | Promise<string>,
    options: CommonOptions & AnyJoin,
    events: SocketEvents,
  ) {
    this.#destination = destination;
    this.#id = id;
    this.#options = options;
    this.#events = events;
    // Random, so that not all clients come at the same instant after an outage.
    this.#delays = { minReconnectionDelay: 500 + Math.random() * 1000, ...DELAYS, ...options.socket };
    const beginAt = (url: string) => this.#begin(url);
    this.#socket = new PartySocket(() => this.#nextUrl(), undefined, {
      connectionTimeout: options.socket?.connectionTimeout,
      // It waits here, where the wait can be ended.
      minReconnectionDelay: 0,
      WebSocket: function Socket(url: string) {
        return beginAt(url);
      },
    });
    this.#socket.binaryType = "arraybuffer";
    this.#socket.addEventListener("open", () => this.#opened());
    this.#socket.addEventListener("message", ({ data }) => events.received(data));
    this.#socket.addEventListener("close", ({ code, reason }) => this.#closed(code, reason));
  }

  /** Sends text now. @returns whether there was a connection */
  send(text: string): boolean {
    return this.#socket.readyState === 1 && this.#socket.send(text);
  }

  /** The room has let the client in. */
  joined(): void {
    this.#isIn = true;
    this.#told = undefined;
    this.#destination.opened();
  }

  /** Ends the connection and begins another one. @param wait how long to wait before that, in ms */
  renew(wait: number): void {
    if (!this.#attempt) return;
    this.#wait = wait;
    this.#retries = -1;
    this.#socket.reconnect(RENEWED);
  }

  /** Ends for good. Nothing waits any more. */
  close(): void {
    this.#end.abort();
    this.#stopUptime();
    this.#socket.close();
  }

  /** The room closes the connection. The end of the connection itself may come many seconds later. */
  closing(code: number, reason: string): void {
    if (!this.#attempt) return;
    this.#attempt.closing = { code, reason };
    this.#socket.reconnect(RENEWED);
  }

  /** The socket asks before each attempt, and begins another one if this throws. */
  async #nextUrl(): Promise<string> {
    const { signal } = this.#end;
    try {
      return await this.#findUrl(signal);
    } catch (thrown) {
      if (!signal.aborted) this.#failed(thrown as ConnectError);
      throw thrown;
    }
  }

  /** @throws TypeError if this address can never be connected to from here */
  #begin(url: string): object {
    try {
      const socket = openWebSocket(url, this.#options.socket?.WebSocket);
      const attempt: Attempt = { isBroken: false, isOpen: false };
      // Before those of partysocket, which says 1000 in place of a code.
      socket.addEventListener("error", () => (attempt.isBroken = true));
      this.#attempt = attempt;
      return socket;
    } catch (thrown) {
      const { message } = thrown as Error;
      const told = `Cannot connect to ${url.split("?")[0]}: ${message}`;
      this.#failed(new ConnectError("invalid_address", told, { status: 400, isFinal: true }));
      throw thrown;
    }
  }

  #opened(): void {
    if (this.#attempt) this.#attempt.isOpen = true;
    this.#uptime = setTimeout(() => (this.#retries = 0), this.#delays.minUptime);
    this.#events.opened();
  }

  #stopUptime(): void {
    // Nothing happens if it is undefined.
    clearTimeout(this.#uptime as ReturnType<typeof setTimeout>);
  }

  #closed(code: number, reason: string): void {
    const attempt = this.#attempt;
    this.#attempt = undefined;
    this.#stopUptime();
    // partysocket also says so where an attempt had no address.
    if (!attempt || this.#end.signal.aborted) return;
    const { isBroken, isOpen, closing } = attempt;
    const isTimeout = !isOpen && reason === "timeout";
    if (closing) this.#lost(closing.code, closing.reason);
    else if (isBroken || isTimeout) this.#lost(NO_ANSWER, "");
    else this.#lost(code, reason);
  }

  #lost(code: number, reason: string): void {
    if (code === TRY_LATER) this.#wait = LATER * (1 + Math.random());
    this.#isHurried = this.#destination.lost(code) && this.#hurries++ < MOST_HURRIES;
    if (!this.#isHurried) this.#hurries = 0;
    const wasIn = this.#isIn;
    this.#isIn = false;
    this.#retries++;
    if (this.#destination.isFinal(code)) {
      this.close();
      return this.#events.ended(code, reason);
    }
    this.#events.lost();
    if (!wasIn && !this.#isHurried) this.#explain(connectFailure(code, reason, this.#options));
  }

  #explain(error: ConnectError): void {
    if (error.code === this.#told) return;
    this.#told = error.code;
    this.#events.failed(error);
  }

  async #findUrl(signal: AbortSignal): Promise<string> {
    const id = await this.#id;
    const delay = this.#isHurried ? 0 : delayBefore(this.#retries, this.#delays, this.spread);
    this.#isHurried = false;
    if (delay > 0) await pause(delay, signal, true);
    const wait = this.#wait;
    this.#wait = 0;
    if (wait > 0) await pause(wait, signal);
    const options = this.#options;
    if (signal.aborted) throw new Error(CLOSED);
    const token = await given(() => valueOf(options.token), "token_failed", "The token is not to be had");
    const textOfParams = async () => JSON.stringify(await valueOf<unknown>(options.params)) as string | undefined;
    const params = await given(textOfParams, "params_failed", "There are no params");
    // A World reserves a place for everyone who asks.
    if (signal.aborted) throw new Error(CLOSED);
    const path = await this.#destination.find(token, signal);
    const { transferToken, spectator, binary } = options;
    const query = {
      id,
      protocol: "2",
      clear: "1",
      ...(token && { token }),
      ...(transferToken && { transferToken }),
      ...(params !== undefined && { params }),
      ...(spectator && { spectator: "1" }),
      ...this.#events.query(),
    };
    const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    // A room of an earlier version takes the first protocol, and a later one the highest that it knows.
    if (binary !== false && typeof TextDecoder === "function") pairs.push("protocol=3");
    return `${originOf(options).replace("http", "ws")}/parties/${path}?${pairs.join("&")}`;
  }

  #failed(error: ConnectError): void {
    this.#wait = error.retryAfter;
    this.#retries++;
    this.#events.failed(error);
    if (!error.isFinal) return;
    this.close();
    this.#events.ended(4000 + (error.status ?? 0), error.message);
  }
}

/** How long an attempt waits after others, in ms. Once it is online, a browser does not wait any more. */
function delayBefore(attempt: number, delays: Delays, spread: number): number {
  const { minReconnectionDelay, maxReconnectionDelay, reconnectionDelayGrowFactor } = delays;
  if (attempt === 0) return 0;
  const delay = Math.min(minReconnectionDelay * reconnectionDelayGrowFactor ** (attempt - 1), maxReconnectionDelay);
  return attempt === 1 ? delay + Math.random() * Math.min(spread, LATER) : delay;
}

/** What an option is, or what its function gives for this attempt. */
async function valueOf<T>(option: T | (() => T | Promise<T>)): Promise<T> {
  return typeof option === "function" ? (option as () => T | Promise<T>)() : option;
}

/** @throws ConnectError if it throws */
async function given<T>(get: () => Promise<T>, code: ConnectError["code"], problem: string): Promise<T> {
  try {
    return await get();
  } catch (thrown) {
    throw new ConnectError(code, `${problem}: ${(thrown as Error).message}`);
  }
}
