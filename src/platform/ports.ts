import type { ErrorCode } from "../protocol/codes.ts";

/** What is sent in one frame: JSON, or a packet of the binary protocol. */
export type SentFrame = string | Uint8Array<ArrayBuffer>;

/** One WebSocket. */
export interface Socket {
  readonly isOpen: boolean;
  /**
   * Whether its connection ends late after `close`: the close frame comes at once, but the client waits for the end.
   */
  readonly endsLate: boolean;
  /**
   * Accepts it for good, if nobody has yet. Before that it carries an attachment, nothing can be sent, and `close` ends
   * the connection at once.
   */
  accept(): void;
  /** @returns how many bytes the frame has, if a client is to confirm them here */
  send(frame: SentFrame): number;
  /** When the runtime last answered a ping of its client, in ms since 1970; 0 if it never did. */
  readonly pingedAt: number;
  close(code: number, reason: string): void;
  /** The value that was attached last. It survives hibernation. */
  attachment(): unknown;
  /** @throws if the value is larger than a socket may carry */
  attach(value: unknown): void;
}

/** The object's key-value storage. What is written without an `await` in between is durable together. */
export interface Storage {
  get(key: string): unknown;
  put(key: string, value: unknown): void;
  delete(key: string): void;
  /** Lists rows in the order of their keys' bytes, from `start` on and before `end`. */
  list(range?: { readonly start?: string; readonly end?: string }): Iterable<[key: string, value: unknown]>;
  /** Runs a function. Its writes are kept together, or undone together if it throws. */
  transaction(run: () => void): void;
  /** Resolves when everything written is durable. */
  sync(): Promise<void>;
  /** Called by what writes many rows as one, if something above this storage does. */
  gatheredBy?(gatherer: Gatherer): void;
}

/** Writes many rows as one while a room is busy, and offers that to the object for the rows of its own. */
export interface Gatherer {
  /** Called in each transaction, before what was gathered is written. */
  onSave: () => void;
  get(key: string): unknown;
  /** @returns whether it took the row. If not, that is to be written as ever. */
  take(key: string, value: unknown): boolean;
}

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /**
   * Calls back once; a delay of 0 means after the current turn of the event loop.
   * @param why the reason that keeps the object awake until then, in a word
   * @returns a function that cancels it
   */
  after(ms: number, run: () => void, why?: string): () => void;
}

/** The single alarm of an object. It wakes the object even after a crash. */
export interface Alarm {
  /** Never throws: a call of the platform that fails is repeated until it succeeds. */
  set(at: number): void;
}

export type LogLevel = "debug" | "info" | "warn" | "error";

/**
 * An entry of the log: one JSON object. Fields that do not apply are left out. It never holds a token, nor anything
 * that a client chose: an action is named only if the definition has it.
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

/** Where failures are reported. */
export interface Failures {
  /** @param event what failed, as `save_failed` */
  failed(event: string, error: unknown, details?: Readonly<Record<string, unknown>>): void;
}
