import { epochOf } from "../../protocol/packets.ts";
import type { Position, SyncHead } from "../../protocol/packets.ts";
import type { Missed, PrivateRemoval } from "../../state/changes-since.ts";
import type { Changes, Tree } from "../../state/tree.ts";
import type { Clock, Failures, Storage } from "../../platform/ports.ts";
import { Row } from "../../state/rows.ts";
import type { OwnRows } from "../timing/room-part.ts";
import { PRIVATE_PREFIX } from "../storage/keys.ts";
import { ChangeRecord } from "./change-record.ts";
import type { Stored, StoredChanges } from "./change-record.ts";

const KEY = `${PRIVATE_PREFIX}sync`;
/** The maximum number of remembered removals of values that only some clients could see. */
const MAX_GONE = 1000;
/** How long stored changes from before the start are useful to clients, in ms. */
const USEFUL = 600_000;
/** Clients that were away for longer get the whole state, in ms. Also the precision of that time. */
const LONGEST_ABSENCE = 3_600_000;
const EXACTNESS = 60_000;

/** The start of a life of the room. Not stored while no client counts packets. */
export interface StoredLife {
  readonly epoch: string;
  /** Its first number. */
  readonly seq: number;
  /** A hash of the fields that clients see, since new code may have other fields. Earlier versions did not store it. */
  readonly shape?: string | undefined;
  /** The number of the first valid value of {@link ChangeRecord}. */
  readonly from?: number;
}

interface Gone extends PrivateRemoval {
  readonly goneIn: number;
}

/** The parts of the room that the clock needs. */
export interface ChangeClockScope {
  readonly tree: Tree;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly reporter: Failures;
}

/**
 * Numbers the packets for everyone, and knows the packet with the last change of each field and entry. So it can
 * compute what a client with an older packet missed: after an absence, and after a crash of the room. Used only if a
 * client of protocol 2 connected.
 */
export class ChangeClock {
  readonly #scope: ChangeClockScope;
  readonly #tree: Tree;
  #epoch: string = crypto.randomUUID();
  /** The number of the last packet for everyone. */
  seq = 0;
  #record: ChangeRecord | undefined;
  #life: StoredLife | undefined;
  readonly #lifeRow: Row;
  #mark = 0;
  /** How much was stored in earlier lives of the room. */
  #lives: ReadonlyMap<string, Stored> = new Map();
  /** Clients with an older packet get the whole state. */
  #floor = 0;
  #gone: Gone[] = [];
  /** Everything up to this packet is stored, as clients were told. */
  #told = -1;
  /** The last packet at certain times. */
  readonly #times: { readonly at: number; readonly seq: number }[] = [];
  #loaded: { readonly at: number; readonly seq: number } | undefined;
  /** The missed changes by packet. Cleared at the next change. */
  readonly #answers = new Map<number, Missed>();

  constructor(scope: ChangeClockScope) {
    this.#scope = scope;
    this.#tree = scope.tree;
    this.#lifeRow = new Row(scope.tree.rows, KEY, (persisted) => (persisted ? this.#life : undefined));
  }

  /** Whether clients use numbers, now or when the room last ran. */
  get isUsed(): boolean {
    return this.#record !== undefined;
  }

  /** The head of a whole state. */
  get head(): SyncHead {
    return { seq: this.seq, epoch: this.#epoch, mark: this.#mark };
  }

  /** The head of a packet with missed changes. @param from see {@link resumesFrom} */
  resumedHead({ seq, epoch }: Position, from: number, publicId: string): SyncHead {
    const own = epochOf(this.#epoch, publicId);
    const base: SyncHead = { seq: this.seq, mark: this.#mark, resumed: true };
    // Packets without a number that only this client got after its last packet may be lost too.
    return epoch === own && from === seq ? base : { ...base, epoch: own, from };
  }

  /**
   * Continues the numbers after hibernation, since connected clients expect the next one. Otherwise a new life begins,
   * with higher numbers than all before. Stored changes say what clients of earlier lives missed.
   *
   * @param didSleep whether clients stayed connected
   * @param isExact whether the state equals the stored one. Hooks may have changed it
   */
  load(rows: OwnRows, didSleep: boolean, isExact: boolean): void {
    const life = rows.of("sync")[0]?.[1] as StoredLife | undefined;
    if (!life) return;
    const shape = didSleep ? undefined : this.#tree.shape;
    const isBelieved = didSleep || (isExact && shape !== undefined && shape === life.shape);
    const values = believed(rows, isBelieved ? life.from : undefined);
    const latest = values.at(-1);
    if (latest) this.#believe(values, life);
    if (didSleep) this.#goOn(life, values, rows.of("known").length > 0);
    else this.#beginAnew(life, shape, latest, rows);
    this.#loaded = { at: this.#scope.clock.now(), seq: this.seq };
  }

  #believe(values: readonly StoredChanges[], life: StoredLife): void {
    this.#floor = (values[0] as StoredChanges).since;
    // A busy room has thousands of changes, and only reconnecting clients need them.
    let changed: ReadonlyMap<string, number> | undefined;
    this.#tree.changesBefore = () => (changed ??= changesIn(values));
    const lives = new Map<string, Stored>([[life.epoch, { seq: life.seq - 1, ahead: life.seq }]]);
    for (const { epoch, seq, ahead } of values) lives.set(epoch, { seq, ahead });
    this.#lives = lives;
  }

  /** @param isBehind whether stored changes were not sent */
  #goOn(life: StoredLife, values: readonly StoredChanges[], isBehind: boolean): void {
    const own = values.findLast(({ epoch }) => epoch === life.epoch);
    this.#epoch = life.epoch;
    this.#tree.startedIn = life.from === undefined ? 0 : life.seq;
    this.seq = (isBehind ? own?.seq : own?.ahead) ?? life.seq;
    if (values.length === 0) this.#floor = this.seq;
    const number = values.at(-1)?.number;
    const isFirst = life.from === undefined;
    // Unsent changes may turn out to need no number. Then what is stored is outdated.
    const stored = { seq: this.seq, ahead: own?.ahead ?? this.seq };
    this.#begin(number === undefined ? (life.from ?? 0) : number + 1, isFirst, stored);
  }

  #beginAnew(life: StoredLife, shape: string | undefined, latest: StoredChanges | undefined, rows: OwnRows): void {
    const all = rows.of("changes").map(([, value]) => value as StoredChanges);
    const last = Math.max(life.seq, ...all.map((value) => value.last));
    const number = Math.max(-1, ...all.map((value) => value.number)) + 1;
    this.seq = last + 1;
    this.#tree.startedIn = this.seq;
    this.#tree.goOn(this.seq);
    if (!latest) this.#floor = this.seq;
    this.#life = { epoch: this.#epoch, seq: this.seq, shape, from: latest ? (life.from ?? number) : number };
    this.#begin(number, !latest, { seq: last, ahead: this.seq });
    // Stored before anything is sent. The room could hibernate with nothing else to store, and then continue the old
    // life.
    this.#store();
  }

  #store(): void {
    try {
      this.#scope.storage.put(KEY, this.#life);
    } catch (error) {
      this.#scope.reporter.failed("save_failed", error);
      this.#lifeRow.changed(true);
    }
  }

  #begin(number: number, isFirst: boolean, stored: Stored): void {
    const { clock } = this.#scope;
    const present = () => {
      const { seq } = this;
      return { epoch: this.#epoch, seq, ahead: this.#tree.isDirty ? seq + 1 : seq };
    };
    this.#mark = stored.seq;
    this.#record = new ChangeRecord(this.#tree.rows, () => clock.now(), present, number, isFirst, stored);
  }

  /** From now on clients use numbers. */
  use(): void {
    if (this.#record) return;
    this.seq++;
    this.#floor = this.seq;
    this.#tree.goOn(this.seq + 1);
    this.#life = { epoch: this.#epoch, seq: this.seq, shape: this.#tree.shape, from: 0 };
    this.#begin(0, true, { seq: this.seq - 1, ahead: this.seq });
    this.#lifeRow.changed(true);
  }

  /**
   * Changes were taken.
   * @param isSent whether they are about to be sent. If not, clients already have them
   * @returns the number of the packet for everyone, or 0 if it has none
   */
  settled(changes: Changes, isSent = true): number {
    if (this.#answers.size > 0) this.#answers.clear();
    const { rows } = this.#tree;
    if (!this.#record) {
      if (rows.clock === 0) this.#tree.goOn(1);
      return 0;
    }
    if (!isSent) {
      this.#tree.goOn(this.seq + 1);
      if (rows.touched.size === 0) this.#mark = this.seq;
      return 0;
    }
    for (const { names, audience, leaf } of changes.private)
      if (!leaf) this.#gone.push({ names, audience, goneIn: rows.clock });
    if (this.#gone.length > MAX_GONE) this.#forgetGone();
    if (changes.shared) this.seq++;
    this.#tree.goOn(this.seq + 1);
    this.#forgetOld();
    const { stored } = this.#record;
    this.#mark = rows.touched.size === 0 ? Math.min(stored.ahead, this.seq) : stored.seq;
    if (stored.ahead !== this.seq) this.#record.outdated();
    return changes.shared ? this.seq : 0;
  }

  /** The packet up to which everything is stored, if clients do not know it yet. They return to it after a crash. */
  takeMark(): number | undefined {
    if (!this.#record || this.#mark <= this.#told) return undefined;
    return (this.#told = this.#mark);
  }

  /**
   * The packet from which a client resumes: the last one that it has, or the last one that was stored.
   * @param publicId the client's user
   * @returns the number of that packet, or undefined if the client needs the whole state
   */
  resumesFrom({ seq, epoch, mark }: Position, publicId: string): number | undefined {
    const from =
      epoch === epochOf(this.#epoch, publicId) ? this.#upTo(seq, this.seq) : this.#before(seq, epoch, mark, publicId);
    return from !== undefined && from >= this.#floor ? from : undefined;
  }

  #upTo(seq: number, last: number): number | undefined {
    return seq <= last ? seq : undefined;
  }

  /** The same for a client of an earlier life. A client without a mark cannot go back, or to another epoch. */
  #before(seq: number, epoch: string, mark: number | undefined, publicId: string): number | undefined {
    if (mark === undefined) return undefined;
    for (const [life, stored] of this.#lives) {
      if (epoch === epochOf(life, publicId)) return this.#upTo(seq, stored.seq) ?? this.#upTo(mark, stored.ahead);
    }
    return undefined;
  }

  /** The position of a client of this life, by its packet. */
  positionOf(seq: number, publicId: string): Position {
    return { seq, epoch: epochOf(this.#epoch, publicId) };
  }

  /** The changes that a client with this packet missed. */
  missed(from: number): Missed {
    let missed = this.#answers.get(from);
    if (!missed) {
      const { patch, gone } = this.#tree.changesSince(from);
      missed = { patch, gone: [...gone, ...this.#gone.filter(({ goneIn }) => goneIn > from)] };
      this.#answers.set(from, missed);
    }
    return missed;
  }

  #forgetOld(): void {
    const now = this.#scope.clock.now();
    if (this.#loaded && now - this.#loaded.at > USEFUL) {
      this.#floor = Math.max(this.#floor, this.#loaded.seq);
      this.#tree.changesBefore = () => new Map();
      this.#lives = new Map();
      this.#loaded = undefined;
    }
    if (now - (this.#times.at(-1)?.at ?? -Infinity) < EXACTNESS) return;
    this.#times.push({ at: now, seq: this.seq });
    while ((this.#times[0]?.at ?? now) < now - LONGEST_ABSENCE) {
      this.#tree.rows.oldest = (this.#times.shift() as { seq: number }).seq;
      this.#floor = Math.max(this.#floor, this.#tree.rows.oldest);
    }
  }

  #forgetGone(): void {
    const forgotten = this.#gone.splice(0, this.#gone.length - MAX_GONE / 2);
    this.#floor = Math.max(this.#floor, forgotten.at(-1)?.goneIn ?? 0);
  }
}

/** The numbers of the packets with the last changes of rows. */
function changesIn(values: readonly StoredChanges[]): ReadonlyMap<string, number> {
  // Later values come last.
  return new Map(values.flatMap(({ changed }) => Object.entries(changed)));
}

/** The valid values, in order. @param from the number of the first one, or undefined if none is valid */
function believed(rows: OwnRows, from: number | undefined): StoredChanges[] {
  if (from === undefined) return [];
  const values = rows.of("changes").map(([, value]) => value as StoredChanges);
  const inOrder = values.filter(({ number }) => number >= from).toSorted((a, b) => a.number - b.number);
  return inOrder.slice(
    Math.max(
      0,
      inOrder.findLastIndex(({ isFirst }) => isFirst),
    ),
  );
}
