import { bytesOf } from "../platform/client-limits.ts";
import { costPerHour } from "../platform/cost.ts";
import { sum, zero } from "../platform/counts.ts";
import type { Cause, Counts } from "../platform/counts.ts";
import { causeOf } from "../platform/log.ts";
import type { LoggedError, ObjectMetrics } from "../platform/metrics.ts";
import type { Clock, LogEntry, Socket, Storage } from "../platform/ports.ts";
import { PRIVATE_PREFIX } from "../room/storage/keys.ts";
import { Awake } from "./awake.ts";
import { kvStorage } from "./storage.ts";

const KEY = `${PRIVATE_PREFIX}counts`;
/** Totals are stored with a save, no more often than this: an object that slept in between did not take less. ms */
const SPACING = 10_000;
/** Errors that are kept, and the characters of each. */
const MOST_ERRORS = 50;
const LONGEST_ERROR = 500;

/** What is stored of the counts. */
interface Stored {
  readonly since: number;
  readonly counts: Counts;
}

/**
 * Counts what an object does, where the platform calls it: so it counts what is billed, and the core does not have to
 * count.
 */
export class Monitor {
  readonly counts = zero();
  readonly awake: Awake;
  readonly storage: Storage;
  /** Called for each frame that is sent, while the inspector records them. */
  onSent: ((text: string, socket: Socket) => void) | undefined;
  readonly #clock: Clock;
  readonly #kv: DurableObjectStorage["kv"];
  readonly #log: (entry: LogEntry) => void;
  readonly #wokeAt: number;
  readonly #errors: LoggedError[] = [];
  #wokenBy: Cause | undefined;
  /** What was counted before it woke; read when it is needed. */
  #before: Stored | undefined;
  #storedAt = -Infinity;
  #storedCount = 0;
  #storedTraffic = 0;
  #hasSaved = false;
  #text = "";
  #bytes = 0;

  constructor(storage: DurableObjectStorage, clock: Clock, log: (entry: LogEntry) => void) {
    this.#clock = clock;
    this.#kv = storage.kv;
    this.#log = log;
    this.#wokeAt = clock.now();
    this.awake = new Awake(clock);
    this.storage = kvStorage(storage, this.counts, () => this.#saved(), this.log);
  }

  /** An event reached the object. */
  event(cause: Cause): void {
    if (this.#wokenBy) return;
    this.#wokenBy = cause;
    // An object that never ran has no rows.
    if (this.counts.rowsRead === 0) return;
    this.counts.wakes[cause] = 1;
    this.log({ level: "info", event: "woke", cause });
  }

  /** A client sent a frame. */
  message(frame: string | ArrayBuffer): void {
    this.event("message");
    this.counts.messages++;
    this.counts.bytesIn += bytesOf(frame);
  }

  /** A frame was sent to a client. */
  sent(text: string, socket: Socket): void {
    // Most texts go to many.
    if (text !== this.#text) this.#bytes = bytesOf((this.#text = text));
    this.counts.packets++;
    this.counts.bytesOut += this.#bytes;
    this.onSent?.(text, socket);
  }

  /** Counts a request, and keeps the object awake until it is answered. */
  request<T>(run: () => Promise<T>): Promise<T> {
    this.event("request");
    this.counts.requests++;
    return this.awake.during("request", run());
  }

  /** The same for a call of another object. */
  call<T>(run: () => Promise<T>): Promise<T> {
    this.event("call");
    this.counts.calls++;
    return this.awake.during("call", run());
  }

  /** The alarm rang. If nothing was saved, there were no changes for a while: then the totals are stored. */
  async alarm(run: () => Promise<void>): Promise<void> {
    this.event("alarm");
    this.counts.alarms++;
    await this.awake.during("alarm", run());
    if (!this.#hasSaved && this.#traffic !== this.#storedTraffic) this.#store();
    this.#hasSaved = false;
  }

  /** Writes a line of the log. One with a code counts, and one that says what went wrong is kept for a while. */
  readonly log = (entry: LogEntry): void => {
    const { level, event, action, connection, code, error } = entry;
    // A line of an action's run comes beside that of its refusal.
    if (code && level !== "debug") this.counts.errors[code] = (this.counts.errors[code] ?? 0) + 1;
    if (level === "error" || level === "warn") {
      const [first] = error?.split("\n", 1) ?? [];
      this.#errors.push({
        at: this.#clock.now(),
        event,
        action,
        connection,
        code,
        error: first?.slice(0, LONGEST_ERROR),
      });
      if (this.#errors.length > MOST_ERRORS) this.#errors.shift();
    }
    this.#log(entry);
  };

  /** Reported numbers never decrease, not even after a crash: they are stored first, unless nothing changed since. */
  report(): Omit<ObjectMetrics, "party" | "room" | "connections"> {
    this.event("metrics");
    this.counts.awakeMs = this.awake.ms;
    if (countOf(this.counts) !== this.#storedCount) this.#store();
    const at = this.#clock.now();
    const { since: countedSince, counts: totals } = this.#totals();
    const cost = {
      now: costPerHour(this.counts, at - this.#wokeAt),
      average: costPerHour(totals, at - countedSince),
    };
    return {
      at,
      wokeAt: this.#wokeAt,
      wokenBy: this.#wokenBy ?? "metrics",
      awake: this.awake.reasons,
      sinceWake: this.counts,
      totals,
      countedSince,
      cost,
      errors: this.#errors,
    };
  }

  get #traffic(): number {
    return this.counts.messages + this.counts.packets;
  }

  #saved(): void {
    this.#hasSaved = true;
    if (this.#clock.now() - this.#storedAt >= SPACING) this.#store();
  }

  #totals(): Stored {
    const { since, counts } = (this.#before ??= this.#read());
    return { since, counts: sum(counts, this.counts) };
  }

  #read(): Stored {
    const none = { since: this.#wokeAt, counts: zero() };
    try {
      return (this.storage.get(KEY) as Stored | undefined) ?? none;
    } catch (error) {
      this.log({ level: "error", event: "counts_failed", code: "internal", error: causeOf(error) });
      return none;
    }
  }

  /** A failure to store the counts must not fail the save in the same transaction. */
  #store(): void {
    this.counts.awakeMs = this.awake.ms;
    this.counts.rowsWritten++;
    // Set even if it fails, so that it is not tried again with each save.
    this.#storedAt = this.#clock.now();
    try {
      this.#kv.put(KEY, this.#totals());
    } catch (error) {
      this.log({ level: "error", event: "counts_failed", code: "internal", error: causeOf(error) });
      return;
    }
    this.#storedCount = countOf(this.counts);
    this.#storedTraffic = this.#traffic;
  }
}

/** A number that grows whenever anything is counted. */
function countOf(counts: object): number {
  const values = Object.values(counts) as (number | object)[];
  return values.reduce<number>((total, value) => total + (typeof value === "number" ? value : countOf(value)), 0);
}
