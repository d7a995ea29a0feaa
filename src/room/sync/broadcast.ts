import { encodeSync, encodeWelcome } from "../../protocol/packets.ts";
import type { SyncHead } from "../../protocol/packets.ts";
import { merge } from "../../state/merge.ts";
import type { Changes, Tree } from "../../state/tree.ts";
import type { RemoteGroup } from "../connections/remote-group.ts";
import type { RoomConnection } from "../connections/connection.ts";
import type { Connections } from "../connections/connections.ts";
import { EncodedPatch } from "../../relay/encoded-patch.ts";
import type { Clock } from "../../platform/ports.ts";
import type { PrivateChanges, Welcome } from "../../relay/messages.ts";
import type { SyncLog } from "./sync-log.ts";
import type { Turns } from "../timing/turns.ts";
import type { Class, Views } from "./views.ts";

/** With `"auto"`, how long a packet waits for each viewer that it goes to, and at most. In ms. */
const WAIT_PER_VIEWER = 0.05;
/** The same for each shard: a call costs more than a frame, and counts as twenty on the bill. */
const WAIT_PER_BRANCH = 3;
const LONGEST_WAIT = 50;
/** How long sending takes for each connection, in ms, of `npm run bench`: meanwhile the runtime's clock stands still. */
const SENDING_PER_VIEWER = 0.015;

export interface BroadcastSettings {
  readonly throttleSync: number | "auto";
  readonly autoSync: boolean;
}

/**
 * Sends what changed. The first change goes out at the end of its turn; the next packet follows when the
 * window is over, with all that changed meanwhile. Changes are encoded once for all who see the same, and sent
 * once to each branch.
 */
export class Broadcast {
  readonly #tree: Tree;
  readonly #views: Views;
  readonly #log: SyncLog;
  readonly #connections: Connections;
  readonly #clock: Clock;
  readonly #turns: Turns;
  readonly #throttle: number | "auto";
  #isManual: boolean;
  #openAt = 0;
  /** Whether nobody was told anything, or is taken as told. */
  #isFresh = true;
  #isPaused = false;
  #parsed: { readonly text: string; readonly state: Record<string, unknown> } | undefined;
  #cancel: (() => void) | undefined;

  constructor(
    tree: Tree,
    views: Views,
    log: SyncLog,
    connections: Connections,
    clock: Clock,
    turns: Turns,
    settings: BroadcastSettings,
  ) {
    this.#tree = tree;
    this.#views = views;
    this.#log = log;
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
    // Those of protocol 2 know that they have it all.
    for (const conn of open) if (conn.protocol === 1) conn.deliver(encodeSync(this.#views.textFor(conn)));
  }

  /** Something changed, or someone waits for a first packet. */
  schedule(): void {
    if (this.#connections.size === 0 || this.#cancel) return;
    if (this.#isManual) {
      this.#turns.want();
      return;
    }
    const left = this.#openAt - this.#clock.now();
    // A clock that jumped back keeps nobody waiting.
    const wait = left > 0 ? Math.min(left, this.#window()) : left;
    if (wait <= 0) {
      this.#turns.want();
      return;
    }
    this.#cancel = this.#clock.after(
      wait,
      () => {
        this.#cancel = undefined;
        this.#openAt = 0;
        this.#turns.wantNow();
      },
      "throttle",
    );
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
    this.#settle();
    if (known) this.#tree.assumeKnown(known);
    this.#views.assume(known !== undefined);
  }

  /** Sends nothing, as long as it is not known who is there. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
  }

  /** What clients of a branch know, or have to: what everyone does as JSON, and what only some of them do. */
  stateFor(branch: RemoteGroup): { state: string; own: PrivateChanges[]; head: SyncHead } {
    if (this.#isFresh) this.#settle();
    // Only what was told can be read.
    this.#flush();
    const conns = this.#connections.all().filter((conn) => conn.remote?.branch === branch && conn.phase === "open");
    if (conns.some(({ protocol }) => protocol === 2)) this.#log.use();
    const own = conns.map((conn) => ({ ids: idsOf([conn]), changes: this.#views.privateState(conn) }));
    return {
      state: this.#tree.sharedText(),
      own: own.filter(({ changes }) => changes.length > 0),
      head: { ...this.#log.position, reset: true },
    };
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

  /** How long the next packet waits, counted from when this one is out. */
  #window(): number {
    const wait = this.#throttle === "auto" ? this.#worth() : this.#throttle;
    return wait < 1 ? wait : wait + Math.floor(this.#connections.direct.size * SENDING_PER_VIEWER);
  }

  #worth(): number {
    const { widest, branchCount } = this.#connections;
    const wait = Math.min(widest * WAIT_PER_VIEWER + branchCount * WAIT_PER_BRANCH, LONGEST_WAIT);
    return wait < 1 ? 0 : wait;
  }

  #welcome(waiting: readonly RoomConnection[]): void {
    const byBranch = Map.groupBy(waiting, (conn) => conn.remote?.branch);
    for (const conn of waiting) this.#views.remember(conn);
    for (const [branch, conns] of byBranch) {
      const state = this.#tree.sharedText();
      const welcomes = conns.map((conn) => this.#welcomeOf(conn));
      branch?.welcome(state, welcomes);
      for (const [index, conn] of conns.entries()) {
        conn.welcome(branch ? undefined : this.#firstPacket(conn, welcomes[index] as Welcome));
        this.#connections.opened(conn);
      }
    }
  }

  #welcomeOf(conn: RoomConnection): Welcome {
    const { publicId, remote } = conn;
    const base = { id: remote?.id ?? 0, publicId };
    if (conn.protocol === 1 || conn.isIntercepted) return { ...base, changes: this.#views.privateState(conn) };
    this.#log.use();
    const { since } = conn;
    const { seq, epoch } = this.#log.position;
    const missed = since && this.#log.since(since, publicId, () => this.#state());
    if (!missed) {
      return { ...base, changes: this.#views.privateState(conn), head: { seq, epoch, ...(since && { reset: true }) } };
    }
    const patch = JSON.stringify(merge(missed, this.#views.privateReplacement(conn)));
    return { ...base, changes: [], head: { seq, resumed: true }, patch };
  }

  #firstPacket(conn: RoomConnection, { head, patch }: Welcome): string {
    if (patch !== undefined) return encodeSync(patch, head);
    return encodeWelcome(conn.publicId, this.#views.textFor(conn), head);
  }

  /** The state as everyone sees it, read once for all that come back at the same time. */
  #state(): Record<string, unknown> {
    const text = this.#tree.sharedText();
    if (text !== this.#parsed?.text) this.#parsed = { text, state: JSON.parse(text) as Record<string, unknown> };
    return this.#parsed.state;
  }

  #sendChanges(changes: Changes): void {
    const classes = this.#views.classify(changes);
    const { shared } = changes;
    if (changes.private.some(({ leaf }) => !leaf)) this.#log.cut();
    if (!shared && classes.length === 0) return;
    const patch = shared && JSON.stringify(shared);
    // What only some are told has no number: the others would miss it.
    const seq = shared && patch ? this.#log.record(shared, patch.length) : 0;
    this.#sendDirect(shared, patch, seq, classes);
    for (const branch of this.#connections.branches) {
      const own = ownOf(branch, classes);
      if (patch !== undefined || own.length > 0) branch.sync(patch, seq, own);
    }
  }

  #sendDirect(
    shared: Record<string, unknown> | undefined,
    patch: string | undefined,
    seq: number,
    classes: readonly Class[],
  ): void {
    const told = new Map<RoomConnection, EncodedPatch>();
    for (const { changes, conns } of classes) {
      const direct = conns.filter((conn) => !conn.remote);
      if (direct.length === 0) continue;
      const packets = new EncodedPatch(JSON.stringify(merge(shared, changes)), seq);
      for (const conn of direct) told.set(conn, packets);
    }
    const packets = patch === undefined ? undefined : new EncodedPatch(patch, seq);
    for (const conn of this.#connections.direct) {
      const packet = told.get(conn) ?? packets;
      if (conn.phase === "open" && packet) conn.deliver(packet.for(conn.isIntercepted ? 1 : conn.protocol));
    }
  }
}

function ownOf(branch: RemoteGroup, classes: readonly Class[]): PrivateChanges[] {
  return classes
    .map(({ changes, conns }) => ({ ids: idsOf(conns.filter(({ remote }) => remote?.branch === branch)), changes }))
    .filter(({ ids }) => ids.length > 0);
}

function idsOf(conns: readonly RoomConnection[]): number[] {
  return conns.flatMap(({ remote }) => remote?.id ?? []);
}
