import type { Claims } from "../define/types.ts";
import type { Remote } from "./branch.ts";
import type { Worlds } from "./listing-report.ts";
import type { Shards } from "./relay.ts";
import type { Neighbours } from "./transfer.ts";

/** One accepted WebSocket. */
export interface Socket {
  readonly isOpen: boolean;
  /** Where it is held, if not here. */
  readonly remote?: Remote;
  send(text: string): void;
  close(code: number, reason: string): void;
  /** What was attached last; survives hibernation. */
  attachment(): unknown;
  /** @throws if the value is larger than a socket may carry */
  attach(value: unknown): void;
}

/** The object's key-value storage. What is written without an `await` in between is durable together. */
export interface Storage {
  get(key: string): unknown;
  put(key: string, value: unknown): void;
  delete(key: string): void;
  /** By their keys, in the order of their bytes: from `start` on, and before `end`. */
  list(range?: { readonly start?: string; readonly end?: string }): Iterable<[key: string, value: unknown]>;
  /** Runs a function whose writes are kept all together, or not at all if it throws. */
  transaction(run: () => void): void;
  /** Resolves when everything written is durable. */
  sync(): Promise<void>;
}

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls back once; a delay of 0 means after the current turn of the event loop. @returns what cancels it */
  after(ms: number, run: () => void): () => void;
}

/** The one alarm of an object, which wakes it even from the dead. */
export interface Alarm {
  set(at: number): void;
}

/** A line of the log: one JSON object. */
export interface LogEntry {
  readonly level: "info" | "warn" | "error";
  readonly event: string;
  readonly [field: string]: unknown;
}

/** What a room needs of the platform that it runs on. */
export interface Ports {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly alarm: Alarm;
  readonly neighbours: Neighbours;
  readonly shards: Shards;
  readonly worlds: Worlds;
  /** The sockets that were open when the room woke. */
  sockets(): Iterable<Socket>;
  readonly log: (entry: LogEntry) => void;
}

/** A client that asks to connect. */
export interface JoinRequest {
  /** The upgrade request, as the client made it. */
  readonly request: Request;
  readonly auth: Claims | null;
  /** The private id that it came with. */
  readonly sessionId: string | undefined;
  readonly transferToken?: string | undefined;
  /** Whether the client is gone already: then nothing is done for it. */
  readonly isGone?: () => boolean;
  /** Whether others come at the same moment: then all of them are told in one turn. */
  readonly isBatched?: boolean;
  /** Accepts the socket. Until then nobody has. */
  readonly accept: () => Socket;
}
