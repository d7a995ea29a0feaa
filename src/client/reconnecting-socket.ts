import { WebSocket as ReconnectingWebSocket } from "partysocket";
import { originOf } from "./address.ts";
import { ConnectError } from "./errors.ts";
import type { CommonOptions } from "./options.ts";
import type { Destination } from "./destination.ts";
import { randomId } from "./random-id.ts";

/** What a {@link ReconnectingSocket} tells its owner. */
export interface SocketEvents {
  /** What a new connection adds to the URL. */
  readonly query: () => Record<string, string>;
  readonly opened: () => void;
  readonly received: (data: unknown) => void;
  /** It comes back by itself. */
  readonly lost: () => void;
  /** An attempt came to nothing, for a reason that the developer can do something about. */
  readonly failed: (error: ConnectError) => void;
  /** It does not come back. */
  readonly ended: (code: number, reason: string) => void;
}

/** The client itself ends a connection, to begin another one. */
const RENEWED = 4000;

/** A socket to a place, which comes back when it is lost: later and later, and to wherever the place is by then. */
export class ReconnectingSocket {
  readonly #place: Destination;
  readonly #options: CommonOptions;
  readonly #events: SocketEvents;
  readonly #socket: ReconnectingWebSocket;
  /** The same user in every place. */
  readonly #id: string;
  /** How long the next attempt has to wait, in ms. */
  #wait = 0;

  constructor(place: Destination, options: CommonOptions, events: SocketEvents) {
    // With a new id the room would refuse it, and without one there is no coming back.
    if (options.transferToken && options.id === undefined)
      throw new TypeError("transferToken needs id: the one that the client has in the room that it comes from");
    this.#place = place;
    this.#options = options;
    this.#events = events;
    this.#id = options.id ?? randomId();
    this.#socket = new ReconnectingWebSocket(this.#nextUrl, undefined, {
      // Not all at the same instant, when a service comes back.
      minReconnectionDelay: 500 + Math.random() * 1000,
      ...options.socket,
      shouldReconnectOnClose: ({ code }) => !place.isFinal(code),
    });
    this.#socket.addEventListener("open", () => events.opened());
    this.#socket.addEventListener("message", ({ data }) => events.received(data));
    this.#socket.addEventListener("close", ({ code, reason }) => this.#closed(code, reason));
  }

  /** Sends text now. @returns whether there was a connection */
  readonly send = (text: string): boolean => this.#socket.readyState === this.#socket.OPEN && this.#socket.send(text);

  /** The connection is of no use any more: begins another one, after a while. */
  renew(wait: number): void {
    this.#wait = wait;
    this.#socket.reconnect(RENEWED);
  }

  close(): void {
    this.#socket.close();
  }

  #closed(code: number, reason: string): void {
    this.#place.lost(code);
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
    const wait = this.#wait;
    this.#wait = 0;
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const token = await tokenOf(this.#options);
    // A World keeps a place for everyone who asks.
    if (!this.#socket.shouldReconnect) throw new Error("The connection was closed meanwhile");
    const path = await this.#place.find(token);
    const { transferToken } = this.#options;
    const query = { id: this.#id, protocol: "2", ...(token && { token }), ...(transferToken && { transferToken }) };
    const origin = originOf(this.#options).replace("http", "ws");
    return `${origin}/parties/${path}?${new URLSearchParams({ ...query, ...this.#events.query() }).toString()}`;
  }

  #failed(error: ConnectError): void {
    this.#wait = error.retryAfter;
    this.#events.failed(error);
    if (!error.isFinal) return;
    this.#socket.close();
    this.#events.ended(4000 + (error.status ?? 0), error.message);
  }
}

async function tokenOf({ token }: CommonOptions): Promise<string | undefined> {
  try {
    return typeof token === "function" ? await token() : token;
  } catch (thrown) {
    throw new ConnectError("token_failed", `The token is not to be had: ${(thrown as Error).message}`);
  }
}
