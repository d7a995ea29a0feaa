import type { Claims } from "../define/types.ts";
import type { ErrorCode } from "../protocol/codes.ts";
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
  /**
   * Calls back once; a delay of 0 means after the current turn of the event loop.
   * @param why what the object is kept awake for until then, in a word @returns what cancels it
   */
  after(ms: number, run: () => void, why?: string): () => void;
}

/** The one alarm of an object, which wakes it even from the dead. */
export interface Alarm {
  set(at: number): void;
}

export type LogLevel = "debug" | "info" | "warn" | "error";

/**
 * A line of the log: one JSON object. What does not apply is left out. It never holds a token, nor anything that a
 * client chose: an action is named only where the definition has it.
 */
export interface LogEntry {
  readonly level: LogLevel;
  /** What happened, as `action_failed`. */
  readonly event: string;
  readonly party?: string;
  readonly room?: string;
  readonly shard?: string;
  /** The action, or the route as it was declared. */
  readonly action?: string;
  /** The connection's id. */
  readonly connection?: string;
  /** Why a client was refused; `internal` for all that went wrong in the room. */
  readonly code?: ErrorCode;
  /** How long it took. */
  readonly ms?: number;
  /** What was thrown, with its stack. */
  readonly error?: string;
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
