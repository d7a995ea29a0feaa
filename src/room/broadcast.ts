import { encodeSync, encodeWelcome } from "../protocol/packets.ts";
import type { Viewer } from "../state/fields.ts";
import type { Changes, Tree } from "../state/tree.ts";
import type { Conn, Connections } from "./connections.ts";
import type { Clock } from "./ports.ts";
import type { Turns } from "./turns.ts";
import { changesFor, merge, NONE } from "./visibility.ts";

/** With `"auto"`, how long a packet waits for each viewer that it goes to, and at most. In ms. */
const WAIT_PER_VIEWER = 0.05;
const LONGEST_WAIT = 50;

export interface BroadcastSettings {
  readonly throttleSync: number | "auto";
  readonly autoSync: boolean;
}

/**
 * Sends what changed. The first change goes out at the end of its turn; the next packet follows when the
 * window is over, with all that changed meanwhile. Changes are encoded once for all who see the same.
 */
export class Broadcast {
  readonly #tree: Tree;
  readonly #connections: Connections;
  readonly #clock: Clock;
  readonly #turns: Turns;
  readonly #throttle: number | "auto";
  #isManual: boolean;
  #openAt = 0;
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

  /** Takes the present state as known to all, as it is for sockets that slept. */
  assumeKnown(): void {
    this.#tree.settle();
    for (const conn of this.#connections.all()) this.#remember(conn);
  }

  /** The same where changes are pending: `known` is what clients know. Who sees what is told anew. */
  assumePending(known: Record<string, unknown>): void {
    this.#tree.settle();
    this.#tree.assumeKnown(known);
    for (const conn of this.#connections.all()) {
      const viewer = this.#viewerOf(conn);
      // As if it had seen just what it must not see now: that is deleted, and the rest sent whole.
      for (const leaf of this.#tree.dynamic) {
        if (leaf.audience && !this.#tree.sees(viewer, leaf.audience)) conn.seen.add(leaf.path());
      }
    }
  }

  #flush(): void {
    const conns = this.#connections.all();
    const waiting = conns.filter((conn) => conn.isWaiting);
    if (!this.#tree.isDirty && waiting.length === 0) return;
    this.#sendChanges(
      this.#tree.settle(),
      conns.filter((conn) => conn.phase === "open"),
    );
    for (const conn of waiting) this.#welcome(conn);
    this.#openAt = this.#clock.now() + this.#window();
  }

  #window(): number {
    if (this.#throttle !== "auto") return this.#throttle;
    const wait = Math.min(this.#connections.size * WAIT_PER_VIEWER, LONGEST_WAIT);
    return wait < 1 ? 0 : wait;
  }

  #welcome(conn: Conn): void {
    conn.welcome(encodeWelcome(conn.publicId, this.#tree.textFor(this.#viewerOf(conn))));
    this.#remember(conn);
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

  #sendChanges({ shared, private: hidden }: Changes, conns: readonly Conn[]): void {
    const texts = new Map<string, string>();
    for (const conn of conns) {
      const own =
        this.#tree.dynamic.size + hidden.length > 0
          ? changesFor(this.#tree, this.#viewerOf(conn), conn.seen, hidden)
          : NONE;
      if (!shared && own.changes.length === 0) continue;
      let text = texts.get(own.key);
      if (text === undefined) texts.set(own.key, (text = encodeSync(JSON.stringify(merge(shared, own.changes)))));
      conn.deliver(text);
    }
  }
}
