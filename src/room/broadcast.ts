import { encodeSync, encodeWelcome } from "../protocol/packets.ts";
import type { Viewer } from "../state/fields.ts";
import type { Leaf } from "../state/leaf.ts";
import { merge } from "../state/merge.ts";
import type { Placed } from "../state/merge.ts";
import type { Changes, Tree } from "../state/tree.ts";
import type { Branch } from "./branch.ts";
import type { Conn } from "./conn.ts";
import type { Connections } from "./connections.ts";
import type { Clock } from "./ports.ts";
import type { Own, Welcome } from "./relay.ts";
import type { Turns } from "./turns.ts";
import { changesFor } from "./visibility.ts";

/** With `"auto"`, how long a packet waits for each viewer that it goes to, and at most. In ms. */
const WAIT_PER_VIEWER = 0.05;
/** The same for each shard: a call costs more than a frame, and counts as twenty on the bill. */
const WAIT_PER_BRANCH = 3;
const LONGEST_WAIT = 50;

export interface BroadcastSettings {
  readonly throttleSync: number | "auto";
  readonly autoSync: boolean;
}

/** Connections that are told the same beyond what everyone is. */
interface Class {
  readonly changes: readonly Placed[];
  readonly conns: Conn[];
}

/**
 * Sends what changed. The first change goes out at the end of its turn; the next packet follows when the
 * window is over, with all that changed meanwhile. Changes are encoded once for all who see the same, and sent
 * once to each branch.
 */
export class Broadcast {
  readonly #tree: Tree;
  readonly #connections: Connections;
  readonly #clock: Clock;
  readonly #turns: Turns;
  readonly #throttle: number | "auto";
  #isManual: boolean;
  #openAt = 0;
  #wasPending = false;
  /** Whether nobody was told anything, or is taken as told. */
  #isFresh = true;
  #isPaused = false;
  #cancel: (() => void) | undefined;

  constructor(tree: Tree, connections: Connections, clock: Clock, turns: Turns, settings: BroadcastSettings) {
    this.#tree = tree;
    this.#connections = connections;
    this.#clock = clock;
    this.#turns = turns;
    this.#throttle = settings.throttleSync;
    this.#isManual = !settings.autoSync;
  }

  /** Whether nothing is sent by itself. */
  get isManual(): boolean {
    return this.#isManual;
  }

  set isManual(isManual: boolean) {
    this.#isManual = isManual;
    if (!isManual) this.schedule();
  }

  /** Whether there is something that clients do not know of. */
  get isPending(): boolean {
    return this.#connections.size > 0 && this.#tree.isDirty;
  }

  /** Whether clients know all that they are to know by now. */
  get isTold(): boolean {
    return this.#isManual || (!this.isPending && !this.#isPaused);
  }

  /** Sends what is pending, or else everything, to those who have had a first packet; that to the others. */
  apply(): void {
    const open = this.#connections.all().filter((conn) => conn.phase === "open");
    const isPending = this.#tree.isDirty;
    this.#flush();
    if (isPending) return;
    for (const conn of open) conn.deliver(encodeSync(this.#tree.textFor(this.#viewerOf(conn))));
  }

  /** Something changed, or someone waits for a first packet. */
  schedule(): void {
    if (this.#connections.size === 0 || this.#cancel) return;
    if (this.#isManual) {
      this.#turns.want();
      return;
    }
    const wait = this.#openAt - this.#clock.now();
    if (wait <= 0) {
      this.#turns.want();
      return;
    }
    this.#cancel = this.#clock.after(wait, () => {
      this.#cancel = undefined;
      this.#turns.want();
      this.#turns.end();
    });
  }

  /** The end of a turn: sends, if the window is open. */
  endTurn(): void {
    if (this.#isManual) return;
    if (this.#clock.now() >= this.#openAt) this.#flush();
    else if (this.#tree.isDirty) this.schedule();
  }

  /**
   * Takes the present state as known to all, as it is for clients that were there while the room slept; or
   * `known`, where changes were pending. Then who sees what is told anew.
   */
  assume(known: Record<string, unknown> | undefined): void {
    this.#wasPending = known !== undefined;
    this.#settle();
    if (known) this.#tree.assumeKnown(known);
    for (const conn of this.#connections.all()) this.recall(conn);
  }

  /** Sends nothing, as long as it is not known who is there. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
  }

  /** What a client saw that was there while the room slept. */
  recall(conn: Conn): void {
    const viewer = this.#viewerOf(conn);
    for (const leaf of this.#tree.dynamic) {
      // If changes are pending, as if it had seen just what it must not see now: that is deleted, the rest sent whole.
      if (leaf.audience && this.#tree.sees(viewer, leaf.audience) !== this.#wasPending) conn.seen.add(leaf.path());
    }
  }

  /** What clients of a branch know, or have to: what everyone does as JSON, and what only some of them do. */
  stateFor(branch: Branch): { state: string; own: Own[] } {
    if (this.#isFresh) this.#settle();
    // Only what was told can be read.
    this.#flush();
    const conns = this.#connections.all().filter((conn) => conn.remote?.branch === branch && conn.phase === "open");
    const own = conns.map((conn) => ({ ids: idsOf([conn]), changes: this.#privateState(conn) }));
    return { state: this.#tree.sharedText(), own: own.filter(({ changes }) => changes.length > 0) };
  }

  #flush(): void {
    if (this.#isPaused) return;
    const waiting = [...this.#connections.unopened].filter((conn) => conn.isWaiting);
    if (!this.#tree.isDirty && waiting.length === 0) return;
    this.#sendChanges(this.#settle());
    if (waiting.length > 0) this.#welcome(waiting);
    this.#openAt = this.#clock.now() + this.#window();
  }

  #settle(): Changes {
    this.#isFresh = false;
    return this.#tree.settle();
  }

  #window(): number {
    if (this.#throttle !== "auto") return this.#throttle;
    const { widest, branchCount } = this.#connections;
    const wait = Math.min(widest * WAIT_PER_VIEWER + branchCount * WAIT_PER_BRANCH, LONGEST_WAIT);
    return wait < 1 ? 0 : wait;
  }

  #welcome(waiting: readonly Conn[]): void {
    const byBranch = Map.groupBy(waiting, (conn) => conn.remote?.branch);
    for (const conn of waiting) this.#remember(conn);
    for (const [branch, conns] of byBranch) {
      branch?.welcome(
        this.#tree.sharedText(),
        conns.map((conn) => this.#welcomeOf(conn)),
      );
      for (const conn of conns) {
        conn.welcome(branch ? undefined : encodeWelcome(conn.publicId, this.#tree.textFor(this.#viewerOf(conn))));
        this.#connections.opened(conn);
      }
    }
  }

  #welcomeOf(conn: Conn): Welcome {
    return { id: conn.remote?.id ?? 0, publicId: conn.publicId, changes: this.#privateState(conn) };
  }

  /** What a connection was told beyond what everyone is. */
  #privateState(conn: Conn): Placed[] {
    const viewer = this.#viewerOf(conn);
    return this.#tree
      .privateLeaves()
      .filter((leaf) => this.#knows(conn, viewer, leaf))
      .map((leaf) => ({ names: leaf.names(), value: leaf.sent }));
  }

  #knows(conn: Conn, viewer: Viewer, leaf: Leaf): boolean {
    if (!leaf.audience || leaf.sent === undefined) return false;
    return leaf.audience.dynamic ? conn.seen.has(leaf.path()) : this.#tree.sees(viewer, leaf.audience);
  }

  #remember(conn: Conn): void {
    if (this.#tree.dynamic.size === 0) return;
    const viewer = this.#viewerOf(conn);
    for (const leaf of this.#tree.dynamic) {
      if (leaf.audience && this.#tree.sees(viewer, leaf.audience)) conn.seen.add(leaf.path());
    }
  }

  #viewerOf(conn: Conn): Viewer {
    return { publicId: conn.publicId, auth: conn.auth, user: this.#tree.users?.get(conn.publicId) };
  }

  #sendChanges(changes: Changes): void {
    const classes = this.#classify(changes);
    const { shared } = changes;
    if (!shared && classes.length === 0) return;
    const patch = shared && JSON.stringify(shared);
    const text = patch && encodeSync(patch);
    const told = new Map<Conn, string>();
    for (const { changes: own, conns } of classes) {
      const direct = conns.filter((conn) => !conn.remote);
      if (direct.length === 0) continue;
      const ownText = encodeSync(JSON.stringify(merge(shared, own)));
      for (const conn of direct) told.set(conn, ownText);
    }
    for (const conn of this.#connections.direct) {
      const packet = told.get(conn) ?? text;
      if (conn.phase === "open" && packet !== undefined) conn.deliver(packet);
    }
    for (const branch of this.#connections.branches) {
      const own = ownOf(branch, classes);
      if (patch !== undefined || own.length > 0) branch.sync(patch, own);
    }
  }

  /** Groups those who are told more than everyone is. */
  #classify({ private: hidden }: Changes): Class[] {
    const classes = new Map<string, Class>();
    for (const conn of this.#concerned(hidden)) {
      if (conn.phase !== "open") continue;
      const { key, changes } = changesFor(this.#tree, this.#viewerOf(conn), conn.seen, hidden);
      if (changes.length === 0) continue;
      const known = classes.get(key);
      if (known) known.conns.push(conn);
      else classes.set(key, { changes: changes.map(({ names, value }) => ({ names, value })), conns: [conn] });
    }
    return [...classes.values()];
  }

  /** Where a predicate decides, anyone may be concerned; else only those whose own something is. */
  #concerned(hidden: Changes["private"]): Iterable<Conn> {
    if (this.#tree.dynamic.size > 0 || hidden.some(({ audience }) => audience.dynamic)) return this.#connections.all();
    const owners = new Set(hidden.map(({ audience }) => audience.owner ?? ""));
    return [...owners].flatMap((owner) => Array.from(this.#connections.of(owner)));
  }
}

function ownOf(branch: Branch, classes: readonly Class[]): Own[] {
  return classes
    .map(({ changes, conns }) => ({ ids: idsOf(conns.filter(({ remote }) => remote?.branch === branch)), changes }))
    .filter(({ ids }) => ids.length > 0);
}

function idsOf(conns: readonly Conn[]): number[] {
  return conns.flatMap(({ remote }) => remote?.id ?? []);
}
