// oxlint-disable-next-line import/no-unassigned-import -- the base classes of partysocket, if they are missing
import "./event-classes.ts";
import PartySocket from "partysocket/ws";
import { originOf } from "./address.ts";
import { TRY_LATER } from "../protocol/codes.ts";
import { connectFailure } from "./connect-failure.ts";
import { ConnectError } from "./errors.ts";
import type { CommonOptions, AnyJoin } from "./options.ts";
import type { Destination } from "./destination.ts";
import { given } from "./given.ts";
import { pause } from "./network.ts";
import { NO_ANSWER, openWebSocket, RENEWED } from "./web-socket.ts";

/** An attempt to connect, and the resulting connection. */
interface Attempt {
  isBroken: boolean;
  /** When it was opened, in ms. */
  openedAt?: number;
  /** How the room closes the connection, as soon as it says so. */
  closing?: { readonly code: number; readonly reason: string };
}

/** The callbacks of a {@link ReconnectingSocket}. */
export interface SocketEvents {
  /** The query parameters of a new connection. */
  readonly query: () => Record<string, string>;
  readonly opened: () => void;
  readonly received: (data: unknown) => void;
  /** The connection was lost. The socket reconnects. */
  readonly lost: () => void;
  /** An attempt failed. Called again only for another reason, or after the room accepted the client. */
  readonly failed: (error: ConnectError) => void;
  /** The connection ended, and the socket does not reconnect. */
  readonly ended: (code: number, reason: string) => void;
}

/** The defaults of partysocket. Times are in ms. */
const LONGEST_DELAY = 10_000;
const GROW_FACTOR = 1.3;
const MIN_UPTIME = 5000;
/**
 * The minimum delay after {@link TRY_LATER}, in ms. Up to the same is added at random, so that clients do not all
 * reconnect at once.
 */
const LATER = 300_000;

/** How many attempts in a row need no delay, because the World's data may be a second old. */
const MOST_HURRIES = 5;

const CLOSED = "closed";

/** A socket to a destination. It reconnects with growing delays. Each attempt asks the destination for its address. */
export class ReconnectingSocket {
  readonly #destination: Destination;
  readonly #origin: string;
  readonly #options: CommonOptions & AnyJoin;
  readonly #events: SocketEvents;
  /** The session id. It is the same for all attempts, so that the user stays the same. */
  readonly #id: string | Promise<string>;
  /** Random, so that not all clients reconnect at the same instant after an outage. */
  readonly #shortestDelay = 500 + Math.random() * 1000;
  readonly #socket: PartySocket;
  /** Cancels everything that waits. */
  readonly #end = new AbortController();
  /** The present attempt or connection. */
  #attempt: Attempt | undefined;
  /** The number of attempts since the last stable connection. */
  #retries = 0;
  /** The delay of the next attempt, in ms. */
  #wait = 0;
  /**
   * The maximum random delay of the first attempt, in ms, as the room sent it. So clients that lose their connections
   * together do not reconnect together.
   */
  spread = 0;
  /** The number of attempts in a row without a delay. */
  #hurries = 0;
  #isHurried = false;
  /** Whether the room has accepted the client on this connection. */
  #isIn = false;
  /** The last reported reason for a failed attempt. */
  #told: ConnectError["code"] | undefined;

  constructor(
    destination: Destination,
    id: string | Promise<string>,
    options: CommonOptions & AnyJoin,
    events: SocketEvents,
  ) {
    this.#destination = destination;
    this.#origin = originOf(options);
    this.#id = id;
    this.#options = options;
    this.#events = events;
    const beginAt = (url: string) => this.#begin(url);
    this.#socket = new PartySocket(() => this.#nextUrl(), undefined, {
      connectionTimeout: options.socket?.connectionTimeout,
      // The delay happens here, where it can be cancelled.
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

  /** Sends text now. @returns false without a connection */
  send(text: string): boolean {
    return this.#socket.readyState === 1 && this.#socket.send(text);
  }

  /** The room has accepted the client. */
  joined(): void {
    this.#isIn = true;
    this.#told = undefined;
    this.#destination.opened();
  }

  /** Ends the connection and starts another one. @param wait the delay before that, in ms @param code for the room */
  renew(wait: number, code = RENEWED): void {
    if (!this.#attempt) return;
    this.#wait = wait;
    this.#retries = -1;
    this.closing(RENEWED, "", code);
  }

  /** Ends the connection. The socket does not reconnect. */
  close(): void {
    this.#end.abort();
    this.#socket.close();
  }

  /** The room closes the connection. The connection itself may end many seconds later. @param own the code for the room */
  closing(code: number, reason: string, own = RENEWED): void {
    if (!this.#attempt) return;
    this.#attempt.closing = { code, reason };
    this.#socket.reconnect(own);
  }

  /** partysocket calls this before each attempt, and starts another attempt if it throws. */
  async #nextUrl(): Promise<string> {
    const { signal } = this.#end;
    try {
      return await this.#findUrl(signal);
    } catch (thrown) {
      if (!signal.aborted) this.#failed(thrown instanceof ConnectError ? thrown : this.#invalid(thrown));
      throw thrown;
    }
  }

  /** @throws TypeError if this address can never work here */
  #begin(url: string): object {
    try {
      const socket = openWebSocket(url, this.#options.socket?.WebSocket);
      const attempt: Attempt = { isBroken: false };
      // Added before the listeners of partysocket, which report 1000 instead of the code.
      socket.addEventListener("error", () => (attempt.isBroken = true));
      this.#attempt = attempt;
      return socket;
    } catch (thrown) {
      this.#failed(this.#invalid(thrown));
      throw thrown;
    }
  }

  #opened(): void {
    if (this.#attempt) this.#attempt.openedAt = performance.now();
    this.#events.opened();
  }

  #closed(code: number, reason: string): void {
    const attempt = this.#attempt;
    this.#attempt = undefined;
    // partysocket also calls this for an attempt without an address.
    if (!attempt || this.#end.signal.aborted) return;
    const { isBroken, openedAt = Infinity, closing } = attempt;
    const isTimeout = openedAt === Infinity && reason === "timeout";
    const { minUptime = MIN_UPTIME } = this.#options.socket ?? {};
    if (performance.now() - openedAt >= minUptime) this.#retries = Math.min(this.#retries, 0);
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
    if (wasIn || this.#isHurried) return;
    const error = connectFailure(code, reason, this.#origin, this.#options);
    if (error.code !== this.#told) this.#events.failed(error);
    this.#told = error.code;
  }

  async #findUrl(signal: AbortSignal): Promise<string> {
    const id = await this.#id;
    const delay = this.#delay();
    this.#isHurried = false;
    if (delay > 0) await pause(delay, signal, true);
    const wait = this.#wait;
    this.#wait = 0;
    if (wait > 0) await pause(wait, signal);
    const options = this.#options;
    if (signal.aborted) throw new Error(CLOSED);
    const token = await given("token", options.token);
    const params = await given<unknown, string | undefined>("params", options.params, JSON.stringify);
    // A World reserves a place for each request.
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
    // A room of an earlier version uses the first protocol. A later one uses the highest that it knows.
    if (binary !== false && typeof TextDecoder === "function") pairs.push("protocol=3");
    return `${this.#origin.replace("http", "ws")}/parties/${path}?${pairs.join("&")}`;
  }

  /** The delay of the next attempt, in ms. A browser that is online again stops waiting. */
  #delay(): number {
    const {
      minReconnectionDelay = this.#shortestDelay,
      maxReconnectionDelay = LONGEST_DELAY,
      reconnectionDelayGrowFactor = GROW_FACTOR,
    } = this.#options.socket ?? {};
    const repeats = this.#retries - 1;
    if (repeats < 0 || this.#isHurried) return 0;
    const delay = Math.min(minReconnectionDelay * reconnectionDelayGrowFactor ** repeats, maxReconnectionDelay);
    return repeats === 0 ? delay + Math.random() * Math.min(this.spread, LATER) : delay;
  }

  /** The address can never work here. It may have half of a surrogate pair. */
  #invalid(thrown: unknown): ConnectError {
    const message = `Cannot connect to ${this.#origin}: ${(thrown as Error).message}`;
    return new ConnectError("invalid_address", message, { status: 400, isFinal: true });
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
