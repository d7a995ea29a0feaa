import { PartySocket } from "partysocket";
import type { PartySocketOptions } from "partysocket";
import type { AnyRoom } from "../define/room.ts";
import { Calls } from "./calls.ts";
import { Store } from "./store.ts";
import type { ActionArguments, ActionName, ActionResult, ClientState } from "./types.ts";

/** idle until the first attempt; open after the first packet; closed for good by either side. */
export type ClientStatus = "connecting" | "open" | "reconnecting" | "closed";

export interface ConnectOptions {
  /** The service, as `example.com` or `localhost:8787`. */
  readonly host: string;
  /** The room's id. */
  readonly room: string;
  /** Default `main`. */
  readonly party?: string;
  /** The private session id: the same one again is the same user. Keep it, and keep it secret. Default: a new one. */
  readonly id?: string;
  /** The JWT. A function is asked anew for each attempt to connect. */
  readonly token?: string | (() => string | Promise<string>);
  /** The token of a session transfer. */
  readonly transferToken?: string;
  /** How long a call waits for its answer, in ms. Default 10,000. */
  readonly timeout?: number;
  /** More options of PartySocket, such as delays or a WebSocket implementation. */
  readonly socket?: Omit<Partial<PartySocketOptions>, "host" | "room" | "party" | "id" | "query">;
}

/** The events that a client tells of itself; any other name is the type of a room's own packets. */
export interface ClientEvents {
  readonly status: ClientStatus;
  /** A refusal that answers no call. */
  readonly error: { readonly code: string; readonly message: string; readonly action?: string };
  /** The room ended the connection for good. */
  readonly closed: { readonly code: number; readonly reason: string };
}

/** A connection to a room, typed by the room's definition. */
export interface RoomClient<R extends AnyRoom> {
  /** What this client sees of the state: immutable; parts that did not change keep their identity. */
  readonly state: ClientState<R>;
  readonly status: ClientStatus;
  /** The user's public id; undefined before the first packet. */
  readonly publicId: string | undefined;
  /** Sends an action that nobody waits for. While offline it waits. */
  emit<K extends ActionName<R>>(action: K, ...value: ActionArguments<R, K>): void;
  /**
   * Sends an action and waits for its result. While offline it waits to be sent.
   * @throws CallError with the server's code and issues; or `timeout`, `closed`; or `disconnected`, if the
   * connection broke after it was sent: nobody knows then whether it was done
   */
  call<K extends ActionName<R>>(action: K, ...value: ActionArguments<R, K>): Promise<ActionResult<R, K>>;
  /** Calls back for each event or packet of a type. @returns what ends it */
  on<E extends string>(
    type: E,
    listener: (value: E extends keyof ClientEvents ? ClientEvents[E] : unknown) => void,
  ): () => void;
  off(type: string, listener: (value: never) => void): void;
  /** Calls back whenever the state changed. @returns what ends it */
  subscribe(listener: (state: ClientState<R>) => void): () => void;
  /** Calls back whenever a part of the state changed, by `Object.is`. @returns what ends it */
  select<T>(selector: (state: ClientState<R>) => T, listener: (part: T) => void): () => void;
  /** Ends the connection for good. */
  close(): void;
}

const TIMEOUT = 10_000;

/**
 * Connects to a room, and stays connected: it reconnects by itself, unless the room refused it (44xx).
 *
 * @example
 * import { connectRoom } from "durable-rooms/client";
 * import type { gameRoom } from "./worker";
 * const game = connectRoom<typeof gameRoom>({ host: location.host, room: "game-1", token: async () => jwt });
 * game.emit("move", { x: 1, y: 2 });
 * game.subscribe((state) => render(state));
 */
export function connectRoom<R extends AnyRoom>(options: ConnectOptions): RoomClient<R> {
  return new Client(options) as unknown as RoomClient<R>;
}

type Listener = (value: unknown) => void;
type Message = { readonly type?: unknown; readonly value?: unknown };

class Client {
  readonly #socket: PartySocket;
  readonly #store = new Store();
  readonly #calls = new Calls();
  readonly #timeout: number;
  readonly #listeners = new Map<string, Set<Listener>>();
  #status: ClientStatus = "connecting";
  publicId: string | undefined;

  constructor(options: ConnectOptions) {
    const { host, room, party = "main", timeout = TIMEOUT } = options;
    this.#timeout = timeout;
    this.#socket = new PartySocket({
      shouldReconnectOnClose: ({ code }) => code < 4400 || code > 4499,
      disableNameValidation: true,
      ...options.socket,
      host,
      party,
      room: encodeURIComponent(room),
      id: options.id ?? crypto.randomUUID(),
      query: () => queryOf(options),
    });
    this.#socket.addEventListener("open", () => this.#calls.flush(this.#send));
    this.#socket.addEventListener("message", ({ data }) => this.#receive(data));
    this.#socket.addEventListener("close", ({ code, reason }) => this.#lost(code, reason));
  }

  get state(): unknown {
    return this.#store.state;
  }

  get status(): ClientStatus {
    return this.#status;
  }

  emit(action: string, value?: unknown): void {
    this.#calls.send(action, value, this.#send);
  }

  call(action: string, value?: unknown): Promise<unknown> {
    const answer = this.#calls.call(action, value, this.#timeout, this.#send);
    if (this.#status === "closed") this.#calls.closed("The connection is closed");
    return answer;
  }

  on(type: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener));
    return () => this.off(type, listener);
  }

  off(type: string, listener: Listener): void {
    this.#listeners.get(type)?.delete(listener);
  }

  subscribe(listener: Listener): () => void {
    return this.#store.subscribe(listener);
  }

  select(selector: (state: unknown) => unknown, listener: Listener): () => void {
    let last = selector(this.#store.state);
    return this.#store.subscribe((state) => {
      const part = selector(state);
      if (Object.is(part, last)) return;
      last = part;
      listener(part);
    });
  }

  close(): void {
    this.#socket.close();
    this.#end("The client closed the connection");
  }

  readonly #send = (text: string): boolean => {
    if (this.#socket.readyState !== this.#socket.OPEN) return false;
    this.#socket.send(text);
    return true;
  };

  #receive(data: unknown): void {
    const message = parse(data);
    if (typeof message?.type !== "string") return;
    const { type, value } = message;
    if (type === "sync") this.#sync(value as Readonly<Record<string, unknown>>);
    else if (type === "ack" || type === "error") this.#answer(type, value as { id?: unknown });
    else this.#tell(type, value);
  }

  #sync(value: Readonly<Record<string, unknown>>): void {
    const publicId = this.#store.take(value);
    if (publicId === undefined) return;
    this.publicId = publicId;
    this.#become("open");
  }

  #answer(type: "ack" | "error", value: { id?: unknown }): void {
    if (!this.#calls.answer(type, value) && type === "error") this.#tell("error", value);
  }

  #lost(code: number, reason: string): void {
    if (this.#status === "closed") return;
    this.#calls.disconnected();
    if (this.#socket.shouldReconnect) return this.#become("reconnecting");
    this.#end(reason || `The room closed the connection with ${code}`);
    this.#tell("closed", { code, reason });
  }

  #end(reason: string): void {
    this.#become("closed");
    this.#calls.closed(reason);
  }

  #become(status: ClientStatus): void {
    if (status === this.#status || this.#status === "closed") return;
    this.#status = status;
    this.#tell("status", status);
  }

  #tell(type: string, value: unknown): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(value);
  }
}

async function queryOf({ token, transferToken }: ConnectOptions): Promise<Record<string, string>> {
  const jwt = typeof token === "function" ? await token() : token;
  return { ...(jwt !== undefined && { token: jwt }), ...(transferToken !== undefined && { transferToken }) };
}

function parse(data: unknown): Message | undefined {
  try {
    const message: unknown = JSON.parse(String(data));
    return typeof message === "object" && message !== null ? message : undefined;
  } catch {
    // No room sends such a thing: whatever it is, it is not for us.
    return undefined;
  }
}
