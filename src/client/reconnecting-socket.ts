import { WebSocket as ReconnectingWebSocket } from "partysocket";
import { originOf } from "./address.ts";
import { TRY_LATER } from "../protocol/codes.ts";
import { ConnectError } from "./errors.ts";
import type { CommonOptions, AnyJoin } from "./options.ts";
import type { Destination } from "./destination.ts";
import { waitUntilOnline } from "./network.ts";
import { randomId } from "./random-id.ts";

/** The callbacks of a {@link ReconnectingSocket}. */
export interface SocketEvents {
  /** What a new connection adds to the URL. */
  readonly query: () => Record<string, string>;
  readonly opened: () => void;
  readonly received: (data: unknown) => void;
  /** The connection was lost: it reconnects by itself. */
  readonly lost: () => void;
  /** An attempt failed, for a reason that the developer can do something about. */
  readonly failed: (error: ConnectError) => void;
  /** The connection ended for good. */
  readonly ended: (code: number, reason: string) => void;
}

/** Those of partysocket. */
const DELAYS = { maxReconnectionDelay: 10_000, reconnectionDelayGrowFactor: 1.3 };
/** How long to wait after {@link TRY_LATER} at least, in ms; and as much again at random, so that not all come at once. */
const LATER = 300_000;
type Delays = typeof DELAYS & { readonly minReconnectionDelay: number };

/** How often in a row another place is looked for at once: what a World knows of its rooms may be a second old. */
const MOST_HURRIES = 5;

/** The close code with which the client itself ends a connection to begin another one. */
const RENEWED = 4000;

/**
 * A socket to a destination, which reconnects when it is lost, with growing delays. Each attempt asks the destination
 * for its address.
 */
export class ReconnectingSocket {
  readonly #destination: Destination;
  readonly #options: CommonOptions & AnyJoin;
  readonly #events: SocketEvents;
  readonly #socket: ReconnectingWebSocket;
  /** The session id: the same one for all attempts, so that the user stays the same. */
  readonly #id: string;
  /** How the room closes the connection, from when it says so. */
  #closing: { readonly code: number; readonly reason: string } | undefined;
  readonly #delays: Delays;
  /** How long the next attempt has to wait, in ms. */
  #wait = 0;
  /** How often in a row an attempt did not wait. */
  #hurries = 0;
  #isHurried = false;

  constructor(destination: Destination, options: CommonOptions & AnyJoin, events: SocketEvents) {
    // With a random id the room would refuse the token.
    if (options.transferToken && options.id === undefined)
      throw new TypeError("transferToken needs id: the one that the client has in the room that it comes from");
    this.#destination = destination;
    this.#options = options;
    this.#events = events;
    this.#id = options.id ?? randomId();
    // Random, so that not all clients come at the same instant after an outage.
    this.#delays = { minReconnectionDelay: 500 + Math.random() * 1000, ...DELAYS, ...options.socket };
    this.#socket = new ReconnectingWebSocket(this.#nextUrl, undefined, {
      ...options.socket,
      // It waits here, where it can be ended.
      minReconnectionDelay: 0,
      shouldReconnectOnClose: ({ code }) => !destination.isFinal(code),
    });
    this.#socket.binaryType = "arraybuffer";
    this.#socket.addEventListener("open", () => events.opened());
    this.#socket.addEventListener("message", ({ data }) => events.received(data));
    this.#socket.addEventListener("close", ({ code, reason }) => this.#closed(code, reason));
  }

  /** Sends text now. @returns whether there was a connection */
  readonly send = (text: string): boolean => this.#socket.readyState === this.#socket.OPEN && this.#socket.send(text);

  /** Ends the connection and begins another one. @param wait how long to wait before that, in ms */
  renew(wait: number): void {
    this.#wait = wait;
    this.#socket.reconnect(RENEWED);
  }

  close(): void {
    this.#socket.close();
  }

  /** The room closes the connection. The end of the connection itself may come many seconds later. */
  closing(code: number, reason: string): void {
    this.#closing = { code, reason };
    if (this.#destination.isFinal(code)) this.#socket.close();
    else this.renew(later(code) || delayBefore(1, this.#delays));
  }

  #closed(socketCode: number, socketReason: string): void {
    const { code, reason } = this.#closing ?? { code: socketCode, reason: socketReason };
    this.#closing = undefined;
    this.#wait = Math.max(this.#wait, later(code));
    this.#isHurried = this.#destination.lost(code) && this.#hurries++ < MOST_HURRIES;
    if (!this.#isHurried) this.#hurries = 0;
    if (this.#socket.shouldReconnect) this.#events.lost();
    else this.#events.ended(code, reason);
  }

  /** The socket asks before each attempt, and tries again later if this throws. */
  readonly #nextUrl = async (): Promise<string> => {
    try {
      return await this.#findUrl();
    } catch (thrown) {
      if (this.#socket.shouldReconnect) this.#failed(thrown as ConnectError);
      throw thrown;
    }
  };

  async #findUrl(): Promise<string> {
    const delay = this.#isHurried ? 0 : delayBefore(this.#socket.retryCount, this.#delays);
    this.#isHurried = false;
    if (delay > 0) await waitUntilOnline(delay);
    const wait = this.#wait;
    this.#wait = 0;
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const token = await tokenOf(this.#options);
    const joinInput = await paramsOf(this.#options);
    // A World reserves a place for everyone who asks.
    if (!this.#socket.shouldReconnect) throw new Error("The connection was closed meanwhile");
    const path = await this.#destination.find(token);
    const { transferToken, spectator } = this.#options;
    const query = {
      id: this.#id,
      protocol: "2",
      ...(token && { token }),
      ...(transferToken && { transferToken }),
      ...(joinInput !== undefined && { params: JSON.stringify(joinInput) }),
      ...(spectator && { spectator: "1" }),
    };
    const params = new URLSearchParams({ ...query, ...this.#events.query() });
    // A room of an earlier version takes the first protocol, and a later one the highest that it knows.
    if (this.#options.binary !== false) params.append("protocol", "3");
    const origin = originOf(this.#options).replace("http", "ws");
    return `${origin}/parties/${path}?${params.toString()}`;
  }

  #failed(error: ConnectError): void {
    this.#wait = error.retryAfter;
    this.#events.failed(error);
    if (!error.isFinal) return;
    this.#socket.close();
    this.#events.ended(4000 + (error.status ?? 0), error.message);
  }
}

/** How long to wait after a close with this code, in ms. */
function later(code: number): number {
  return code === TRY_LATER ? LATER * (1 + Math.random()) : 0;
}

/** How long an attempt waits after others, in ms. Once it is online, a browser does not wait any more. */
function delayBefore(attempt: number, delays: Delays): number {
  const { minReconnectionDelay, maxReconnectionDelay, reconnectionDelayGrowFactor } = delays;
  if (attempt === 0) return 0;
  return Math.min(minReconnectionDelay * reconnectionDelayGrowFactor ** (attempt - 1), maxReconnectionDelay);
}

async function tokenOf({ token }: CommonOptions): Promise<string | undefined> {
  try {
    return typeof token === "function" ? await token() : token;
  } catch (thrown) {
    throw new ConnectError("token_failed", `The token is not to be had: ${(thrown as Error).message}`);
  }
}

async function paramsOf({ params }: AnyJoin): Promise<unknown> {
  try {
    return typeof params === "function" ? await (params as () => unknown)() : params;
  } catch (thrown) {
    throw new ConnectError("params_failed", `There are no params: ${(thrown as Error).message}`);
  }
}
