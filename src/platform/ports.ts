import type { ErrorCode } from "../protocol/codes.ts";

/** The content of one frame: JSON, or a packet of the binary protocol. */
export type SentFrame = string | Uint8Array<ArrayBuffer>;

/** One WebSocket. */
export interface Socket {
  readonly isOpen: boolean;
  /**
   * Whether the connection ends late after `close`: the close frame is sent at once, but the client waits for the end.
   */
  readonly endsLate: boolean;
  /**
   * Accepts the socket, if it is not accepted yet. Before that, it has an attachment, nothing can be sent, and `close`
   * ends the connection at once.
   */
  accept(): void;
  /** @returns the bytes of the frame, if the client is to confirm them to this object */
  send(frame: SentFrame): number;
  /** When the runtime last answered a ping of the client, in ms since 1970; 0 for never. */
  readonly pingedAt: number;
  close(code: number, reason: string): void;
  /** The value that was attached last. It survives hibernation. */
  attachment(): unknown;
  /** @throws if the value is larger than a socket may carry */
  attach(value: unknown): void;
}

/** The key-value storage of an object. Writes without an `await` between them become durable together. */
export interface Storage {
  get(key: string): unknown;
  put(key: string, value: unknown): void;
  delete(key: string): void;
  /** Lists rows by the bytes of their keys, from `start` (inclusive) to `end` (exclusive). */
  list(range?: { readonly start?: string; readonly end?: string }): Iterable<[key: string, value: unknown]>;
  /** Runs a function. If it throws, all of its writes are undone. */
  transaction(run: () => void): void;
  /** Resolves when all writes are durable. */
  sync(): Promise<void>;
  /** Sets the part that writes many rows as one, if there is one. */
  gatheredBy?(gatherer: Gatherer): void;
}

/** Writes many rows as one while a room is busy. The object offers it its own rows too. */
export interface Gatherer {
  /** Called in each transaction, before the gathered rows are written. */
  onSave: () => void;
  get(key: string): unknown;
  /** @returns whether it took the row. If not, the caller writes it */
  take(key: string, value: unknown): boolean;
}

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /**
   * Calls back once. A delay of 0 means after the current turn of the event loop.
   * @param why the reason that keeps the object awake until then, as a word
   * @returns a function that cancels it
   */
  after(ms: number, run: () => void, why?: string): () => void;
}

/** The single alarm of an object. It wakes the object even after a crash. */
export interface Alarm {
  /** Never throws: a failed call of the platform is repeated until it succeeds. */
  set(at: number): void;
}

/** The level of a log entry. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/**
 * An entry of the log: a JSON object. Fields that do not apply are missing. It contains no tokens and no text of a
 * client: an action is named only if the definition has it.
 */
export interface LogEntry {
  readonly level: LogLevel;
  /** What happened, such as `action_failed`. */
  readonly event: string;
  /** The party of the room. */
  readonly party?: string;
  /** The id of the room. */
  readonly room?: string;
  /** The id of the shard. */
  readonly shard?: string;
  /** The name of the action, or the route as the definition declares it. */
  readonly action?: string;
  /** The id of the connection. */
  readonly connection?: string;
  /** The code of a refusal. `internal` for every failure in the room. */
  readonly code?: ErrorCode;
  /** The duration in ms. */
  readonly ms?: number;
  /** The error with its stack. */
  readonly error?: string;
  readonly [field: string]: unknown;
}

/** Where failures are reported. */
export interface Failures {
  /** @param event the name of the failure, such as `save_failed` */
  failed(event: string, error: unknown, details?: Readonly<Record<string, unknown>>): void;
}
