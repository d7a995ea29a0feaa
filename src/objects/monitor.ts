import { bytesOf } from "../protocol/text-size.ts";
import { sum, zero } from "../platform/counts.ts";
import type { Cause, Counts } from "../platform/counts.ts";
import type { IsPrivate } from "../platform/private.ts";
import { causeOf } from "../platform/log.ts";
import type { ObjectReport } from "../platform/object-report.ts";
import type { Clock, Gatherer, LogEntry, SentFrame, Socket, Storage } from "../platform/ports.ts";
import { PRIVATE_PREFIX } from "../room/storage/keys.ts";
import { Awake } from "./awake.ts";
import { kvStorage } from "./storage.ts";
import type { PlatformStorage } from "./storage.ts";

const KEY = `${PRIVATE_PREFIX}counts`;
/** The minimum time between two saves of the totals, in ms. */
const SPACING = 10_000;

/** The row with the counts. */
interface Stored {
  readonly since: number;
  readonly counts: Counts;
}

/**
 * Counts the events of an object where it meets the platform: so it counts what is billed, and the core need not count.
 */
export class Monitor {
  readonly counts = zero();
  readonly awake: Awake;
  readonly storage: Storage;
  /** Whether a text is a private id. */
  isPrivate: IsPrivate = () => false;
  /** Called for each frame that is sent, while the inspector records frames. */
  onSent: ((frame: SentFrame, socket: Socket) => void) | undefined;
  /** Makes reports to operators. Undefined in a service without them. */
  readonly reports: ObjectReport | undefined;
  /** Calls to other objects since the last event began. */
  callsSinceEvent = 0;
  /** Whether the object's storage was deleted. The counts are no longer stored then. */
  isEnded = false;
  /** Called when the first event begins. */
  onWoken: () => void = () => {};
  readonly #clock: Clock;
  readonly #kv: PlatformStorage["kv"];
  readonly #log: (entry: LogEntry) => void;
  readonly #wokeAt: number;
  /** Saves rows together, including the totals. */
  #gatherer: Gatherer | undefined;
  #wokenBy: Cause | undefined;
  /** The totals before the object woke. They are read on demand. */
  #before: Stored | undefined;
  #storedAt = -Infinity;
  #storedTraffic = 0;
  #hasSaved = false;

  constructor(
    storage: PlatformStorage,
    clock: Clock,
    log: (entry: LogEntry) => void,
    reports: ObjectReport | undefined,
  ) {
    this.reports = reports;
    this.#clock = clock;
    this.#kv = storage.kv;
    this.#log = log;
    this.#wokeAt = clock.now();
    this.awake = new Awake(clock);
    this.storage = {
      ...kvStorage(storage, this.counts, () => this.#gatherer || this.#saved(), this.log),
      gatheredBy: (gatherer) => {
        this.#gatherer = gatherer;
        gatherer.onSave = () => this.#saved();
      },
    };
  }

  /** The object received an event. */
  event(cause: Cause): void {
    this.callsSinceEvent = 0;
    if (this.#wokenBy) return;
    this.#wokenBy = cause;
    this.onWoken();
    // An object without rows has never run before.
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

  /** A frame was sent to a client. @returns its size in bytes */
  sent(frame: SentFrame, socket: Socket): number {
    const bytes = bytesOf(frame);
    this.counts.packets++;
    this.counts.bytesOut += bytes;
    this.onSent?.(frame, socket);
    return bytes;
  }

  /** Counts a request, and keeps the object awake until it is answered. */
  request<T>(run: () => Promise<T>): Promise<T> {
    this.event("request");
    this.counts.requests++;
    return this.awake.during("request", run());
  }

  /** Counts a call of another object, and keeps the object awake until it is answered. */
  call<T>(run: () => Promise<T>): Promise<T> {
    this.event("call");
    this.counts.calls++;
    return this.awake.during("call", run());
  }

  /**
   * Counts an alarm. If nothing was saved since the last one, the totals are stored now.
   * @param run undefined if there is nothing to do. Then nothing is stored
   */
  async alarm(run: (() => Promise<void>) | undefined): Promise<void> {
    this.event("alarm");
    this.counts.alarms++;
    if (!run) return;
    await this.awake.during("alarm", run());
    if (!this.#hasSaved && this.#traffic !== this.#storedTraffic) this.#store();
    this.#hasSaved = false;
  }

  /** Writes an entry of the log, and counts its code. */
  readonly log = (entry: LogEntry): void => {
    const { level, code } = entry;
    // The debug entry of an action is written in addition to that of its refusal.
    if (code && level !== "debug") this.counts.errors[code] = (this.counts.errors[code] ?? 0) + 1;
    this.reports?.note(entry, this.#clock.now(), (text) => this.isPrivate(text));
    this.#log(entry);
  };

  /**
   * Makes a report. Changed totals are stored first, so that reported numbers never decrease, even after a crash.
   * @throws Error in a service without operators
   */
  report(): ReturnType<ObjectReport["of"]> {
    if (!this.reports) throw new Error("This service has no operators");
    this.event("metrics");
    this.counts.awakeMs = this.awake.ms;
    if (!this.reports.isStored(this.counts)) this.#store();
    const { since: countedSince, counts: totals } = this.#totals();
    return this.reports.of({
      at: this.#clock.now(),
      wokeAt: this.#wokeAt,
      wokenBy: this.#wokenBy,
      awake: this.awake.reasons,
      sinceWake: this.counts,
      totals,
      countedSince,
    });
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
      return ((this.#gatherer ?? this.storage).get(KEY) as Stored | undefined) ?? none;
    } catch (error) {
      this.log({ level: "error", event: "counts_failed", code: "internal", error: causeOf(error) });
      return none;
    }
  }

  /** Stores the totals. A failure must not fail the save in the same transaction. */
  #store(): void {
    if (this.isEnded) return;
    this.counts.awakeMs = this.awake.ms;
    // Set even if storing fails, so that not every save tries it again.
    this.#storedAt = this.#clock.now();
    try {
      if (!this.#gatherer?.take(KEY, this.#totals())) this.#put();
    } catch (error) {
      this.log({ level: "error", event: "counts_failed", code: "internal", error: causeOf(error) });
      return;
    }
    this.reports?.stored(this.counts);
    this.#storedTraffic = this.#traffic;
  }

  /** Writes the totals to their own row, which is counted too. */
  #put(): void {
    this.counts.rowsWritten++;
    this.#kv.put(KEY, this.#totals());
  }
}
