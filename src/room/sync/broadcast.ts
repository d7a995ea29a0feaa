import { encodeSync, numberAck, valueOfAck } from "../../protocol/packets.ts";
import type { PatchHead } from "../../protocol/packets.ts";
import type { Parts } from "../../state/part.ts";
import { withText } from "../../protocol/binary/frame-text.ts";
import { writeAckFrame } from "../../protocol/binary/frames.ts";
import { BinaryPatches } from "./binary-patches.ts";
import { DirectPatches } from "./direct-patches.ts";
import { FirstPackets } from "./first-packets.ts";
import type { FirstPacketsScope } from "./first-packets.ts";
import type { Changes, Tree } from "../../state/tree.ts";
import type { GroupState, RemoteGroup } from "../connections/remote-group.ts";
import { NONE } from "../connections/identity.ts";
import type { RoomConnection } from "../connections/connection.ts";
import type { Connections } from "../connections/connections.ts";
import { remaining } from "../../platform/clock.ts";
import type { Clock } from "../../platform/ports.ts";
import { Row } from "../../state/rows.ts";
import { PRIVATE_PREFIX } from "../storage/keys.ts";
import type { OwnRows } from "../timing/room-part.ts";
import { SentState } from "./sent-state.ts";
import type { SentStateScope } from "./sent-state.ts";
import type { ChangeClock } from "./change-clock.ts";
import type { RemotePatches } from "./remote-patches.ts";
import type { Turns } from "../timing/turns.ts";
import type { ViewerGroup, Views } from "./views.ts";

const MODE_KEY = `${PRIVATE_PREFIX}autoSync`;
/** Sending to so many connections takes a millisecond or more, by `npm run bench`. */
const MANY = 64;
/** While too much is unconfirmed, the next first packet follows after so many ms. */
const CROWDED = 50;

/** The parts of the room that {@link Broadcast} needs. */
export interface BroadcastScope extends SentStateScope, FirstPacketsScope {
  readonly connections: Connections;
  readonly turns: Turns;
  /** Whether all clients together have too much unconfirmed. */
  readonly flows: { readonly isOver: boolean };
}

export interface BroadcastSettings {
  readonly throttleSync: number | "auto";
  readonly autoSync: boolean;
  readonly maxMessageBytes: number;
}

/**
 * Sends changes. The first change is sent at the end of its turn. Then a window begins, and the next packet with all
 * changes since is sent when it ends. Changes are encoded once for all clients that see the same, and sent once to each
 * group.
 */
export class Broadcast {
  readonly #tree: Tree;
  readonly #views: Views;
  readonly #changeClock: ChangeClock;
  readonly #connections: Connections;
  readonly #scope: BroadcastScope;
  readonly #clock: Clock;
  readonly #turns: Turns;
  readonly #binary: BinaryPatches;
  readonly #direct: DirectPatches;
  readonly #throttle: number | "auto";
  readonly #first: FirstPackets;
  /** Undefined in a service without shards. */
  #remote: RemotePatches | undefined;
  readonly #modeRow: Row;
  /** Whether changes are sent only by `applySync`. Survives hibernation. */
  #isManual: boolean;
  /** Created when `autoSync` is turned off for the first time. */
  #sentState: SentState | undefined;
  #openAt = 0;
  /** Whether nothing was sent yet, or assumed to be sent. */
  #isFresh = true;
  #isPaused = false;
  /** Whether changes were pending when the room hibernated. */
  #wasPending = false;
  #cancel: (() => void) | undefined;

  constructor(scope: BroadcastScope, settings: BroadcastSettings) {
    const { tree, views, changeClock, connections, clock, turns } = scope;
    this.#scope = scope;
    this.#tree = tree;
    this.#views = views;
    this.#changeClock = changeClock;
    this.#connections = connections;
    this.#clock = clock;
    this.#turns = turns;
    this.#binary = new BinaryPatches(tree, connections);
    this.#direct = new DirectPatches(tree, connections);
    this.#throttle = settings.throttleSync;
    this.#first = new FirstPackets(scope, this.#binary, settings.maxMessageBytes);
    this.#isManual = !settings.autoSync;
    this.#modeRow = new Row(tree.rows, MODE_KEY, (persisted) => (persisted ? this.autoSync : undefined));
  }

  /** Loads the stored mode. @returns the state that clients were sent, if changes were pending */
  load(rows: OwnRows): Record<string, unknown> | undefined {
    const mode = rows.of("autoSync")[0]?.[1];
    if (typeof mode === "boolean") this.#isManual = !mode;
    if (rows.of("known").length === 0) return undefined;
    return this.#makeSentState().load(rows);
  }

  /** From now on, changes are sent. */
  open(): void {
    this.#tree.onChange = () => this.schedule();
  }

  /** Whether changes are sent without `applySync`. */
  get autoSync(): boolean {
    return !this.#isManual;
  }

  set autoSync(autoSync: boolean) {
    if (autoSync === this.autoSync) return;
    this.#isManual = !autoSync;
    this.#tree.crowd?.switched();
    this.#remote?.deliver(autoSync ? "due" : "later");
    this.schedule();
    // Other packets do not wait for the first one any more.
    if (!autoSync) for (const conn of this.#connections.unopened) if (conn.isWaiting) conn.waitAgain(false);
    this.#sendLater();
    this.#modeRow.changed(true);
  }

  /** Whether there are unsent changes. */
  get isPending(): boolean {
    return this.#connections.size > 0 && this.#tree.isDirty;
  }

  /** Whether everything was sent that is due. */
  get isAllSent(): boolean {
    return this.#isManual || (!this.isPending && !this.#isPaused);
  }

  /**
   * Sends pending changes now. Without any, clients of protocol 1 get the whole visible state. Clients that wait for a
   * first packet get it.
   */
  apply(): void {
    const open = this.#connections.all().filter((conn) => conn.phase === "open");
    const isPending = this.#tree.isDirty;
    this.#flush();
    if (this.#isManual) this.#remote?.deliver("now");
    this.#keepSentState();
    if (isPending) return;
    // Clients of protocol 2 know from the numbers that they have everything.
    for (const conn of open) if (conn.protocol === 1) conn.deliver(encodeSync(this.#views.textFor(conn)));
  }

  /**
   * Sends an acknowledgement or an error. An acknowledgement tells a client of protocol 2 the number of the sync packet
   * that includes the effects of the action: the last one, or the next one if changes are pending. Then a packet always
   * follows, even if the patch is empty.
   */
  answer(conn: RoomConnection, text: string): void {
    if (conn.protocol === 1) return conn.answer(text);
    // A user who left gets no packets that could include state.
    if (conn.hasLeft) return conn.answer(numberAck(text, 0));
    const isPending = this.#tree.isDirty;
    const seq = this.#changeClock.seq + (isPending ? 1 : 0);
    const value = valueOfAck(text);
    if (value === undefined) return conn.answer(text);
    if (isPending) this.#promise(conn);
    const numbered = numberAck(text, seq);
    // A shard makes the frame itself.
    conn.answer(conn.protocol === 3 && !conn.isRemote ? withText(writeAckFrame(value, seq), () => numbered) : numbered);
  }

  /** There are changes, or a connection waits for its first packet. */
  schedule(): void {
    if (this.#connections.size === 0 || this.#cancel) return;
    if (this.#isManual) {
      this.#turns.want();
      return;
    }
    const wait = this.#left();
    if (wait <= 0) this.#turns.want();
    else this.#flushIn(wait);
  }

  #flushIn(ms: number): void {
    this.#cancel ??= this.#clock.after(
      ms,
      () => {
        this.#cancel = undefined;
        this.#openAt = 0;
        this.#turns.run(() => this.#turns.want(), "caller");
        this.#turns.end();
      },
      "throttle",
    );
  }

  /** Called at the end of a turn. Sends, if the window has ended. */
  endTurn(): void {
    if (!this.#isManual) {
      if (this.#left() <= 0) this.#flush();
      else if (this.#tree.isDirty || this.#connections.answered.size > 0) this.schedule();
    }
    this.#keepSentState();
  }

  #keepSentState(): void {
    if (this.#isManual) this.#makeSentState();
    this.#sentState?.keepWhile(this.#isManual && this.isPending, () => this.#tree.sentValues());
  }

  #makeSentState(): SentState {
    return (this.#sentState ??= new SentState(this.#scope, () => this.#keepSentState()));
  }

  /**
   * Assumes that the present state was sent to all clients, which is true if they stayed connected while the room
   * hibernated.
   * @param sent the state that was sent instead, if changes were pending. Private state is then sent again
   */
  assumeSent(sent: Record<string, unknown> | undefined): void {
    this.#settle();
    if (sent) this.#tree.assumeSent(sent);
    this.#wasPending = sent !== undefined;
    this.#views.assume(sent !== undefined, this.#isManual);
  }

  /** Sends nothing until {@link resume}, because the room does not know its clients yet. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    // The room no longer knows which connections it promised a packet before it hibernated.
    if (this.#wasPending) for (const conn of this.#connections.all()) if (conn.protocol !== 1) this.#promise(conn);
  }

  /** There may be clients at shards. @param Remote makes what they get */
  serveShards(Remote: typeof RemotePatches): void {
    this.#remote = new Remote(this.#scope, this.#binary, this.#first);
  }

  /** The state that clients of a remote group should have. */
  stateFor(group: RemoteGroup): GroupState | undefined {
    if (this.#isFresh) this.#settle();
    // Only sent values can be read.
    this.#flush();
    return this.#remote?.stateFor(group);
  }

  #flush(): void {
    if (this.#isPaused) return;
    const waiting = [...this.#connections.unopened].filter((conn) => conn.isWaiting);
    if (!this.#tree.isDirty && waiting.length === 0 && this.#connections.answered.size === 0) return;
    if (this.#isFresh) this.#settle();
    else this.#sendChanges(this.#take());
    if (waiting.length > 0) this.#welcome(waiting);
    const begin = () => (this.#openAt = this.#clock.now() + this.#window());
    begin();
    if (this.#throttle !== 0 && this.#connections.direct.size >= MANY) {
      // The runtime's clock stands still until everything is sent. If the window began now, it could be over by then,
      // and the next packet would have the changes of one message only.
      this.#openAt = Infinity;
      this.#clock.after(0, begin, "throttle");
    }
    this.#sendLater();
  }

  /** Some changes of visible entries wait, even if nothing else changes. The room stays awake until then. */
  #sendLater(): void {
    if (this.#isManual || this.#connections.size === 0) return;
    this.#tree.crowd?.later(this.#clock, () => {
      // Changes that are due may have to wait for the window. Later ones are checked when it sends.
      if (!this.#tree.isDirty) return this.#sendLater();
      this.#turns.run(() => this.schedule(), "caller");
      this.#turns.end();
    });
  }

  /** The present state counts as sent. */
  #settle(): void {
    this.#changeClock.settled(this.#take(), false);
    for (const interest of this.#tree.crowd?.interests ?? []) interest.assumeDelivered();
  }

  #take(): Changes {
    this.#isFresh = false;
    return this.#tree.settle();
  }

  /** The remaining time of the window, in ms. */
  #left(): number {
    // The window has usually ended. Its length is computed only if it may not have.
    const now = this.#clock.now();
    return now < this.#openAt ? remaining(this.#openAt, now, this.#window()) : 0;
  }

  /** The length of the window after a packet, in ms. */
  #window(): number {
    return this.#throttle === "auto" ? this.#connections.automaticWait : this.#throttle;
  }

  /** Sends a connection the changes that it missed while its client did not confirm, as after an absence. */
  catchUp(conn: RoomConnection): void {
    conn.wire = undefined;
    conn.isBehind = conn.seq !== NONE;
    conn.since = conn.isBehind ? this.#changeClock.positionOf(conn.seq, conn.publicId) : undefined;
    conn.waitAgain(!this.#isManual);
    this.#connections.waits(conn);
    // Only sent values can be read.
    if (this.#tree.isDirty || this.#isPaused) this.schedule();
    // Otherwise packets that are larger than the share of a client could follow each other without end.
    else if (this.#scope.flows.isOver && !this.#isManual) this.#flushIn(CROWDED);
    else this.#welcome([conn]);
  }

  /** Sends first packets, in the order in which clients came. While too much is unconfirmed, one at a time. */
  #welcome(waiting: readonly RoomConnection[]): void {
    const byGroup = Map.groupBy(waiting, (conn) => conn.remote?.group);
    for (const [group, conns] of byGroup) {
      if (group) this.#remote?.welcome(group, conns);
      for (const [index, conn] of conns.entries()) {
        // Where packets are sent by hand, nobody knows when the next one is.
        if (!group && index > 0 && this.#scope.flows.isOver && !this.#isManual) {
          this.#flushIn(CROWDED);
          break;
        }
        conn.welcome(group ? undefined : this.#first.frameFor(conn), this.#changeClock.seq);
        this.#connections.opened(conn);
      }
    }
  }

  #tickHead(): Pick<PatchHead, "tick"> {
    // There is no tick before the first one, which has the number 1.
    return { tick: this.#scope.ticker?.number || undefined };
  }

  #sendChanges(changes: Changes): void {
    const { crowd } = this.#tree;
    crowd?.begin(this.#clock.now(), this.#isManual);
    try {
      this.#sendEach(changes);
    } finally {
      crowd?.end();
    }
  }

  #sendEach(changes: Changes): void {
    const { shared } = changes;
    // If everything is for everyone, there are no viewers to tell apart.
    const isForAll = changes.private.length === 0 && this.#tree.dynamic.size === 0 && !this.#views.hasUnknown;
    const viewerGroups = isForAll ? [] : this.#views.classify(changes);
    // A patch for some clients has no number, because the others would miss that number.
    const seq = this.#changeClock.settled(changes);
    const promised = this.#keepPromises(shared !== undefined, viewerGroups);
    const { remoteGroups, answered } = this.#connections;
    if (!shared && viewerGroups.length === 0 && answered.size === 0 && !this.#tree.crowd) return;
    const mark = seq > 0 ? this.#changeClock.takeMark() : undefined;
    const blocks = this.#binary.shared(shared);
    const tick = this.#tickHead();
    const head = seq > 0 ? { seq, mark, ...tick } : tick;
    this.#direct.send({ shared, blocks, head, viewerGroups });
    if (remoteGroups.size > 0) this.#remote?.send({ shared, blocks, seq, mark, tick, viewerGroups, promised });
    answered.clear();
  }

  /** A connection was told that a sync packet follows. If it is not open, its first packet follows. */
  #promise(conn: RoomConnection): void {
    if (conn.phase === "open") this.#connections.promised.add(conn);
  }

  /**
   * Sends an empty patch to connections that were promised a packet, and see none of the changes.
   * @returns the connections of which only their shard knows whether they see a change
   */
  #keepPromises(isForAll: boolean, viewerGroups: readonly ViewerGroup[]): readonly RoomConnection[] {
    const { promised } = this.#connections;
    if (promised.size === 0) return NOBODY;
    const served = new Set(viewerGroups.flatMap(({ conns }) => conns));
    const isServed = (conn: RoomConnection) => isForAll || served.has(conn) || this.#partsOf(conn).length > 0;
    const waiting = [...promised].filter((conn) => !isServed(conn));
    promised.clear();
    const isRelayed = (conn: RoomConnection) => this.#tree.crowd !== undefined && conn.relays !== undefined;
    for (const conn of waiting) if (!isRelayed(conn)) conn.deliver(encodeSync("{}"));
    return waiting.filter(isRelayed);
  }

  #partsOf(conn: RoomConnection): Parts {
    return this.#tree.crowd?.partsOf(conn) ?? NO_PARTS;
  }
}

const NOBODY: readonly RoomConnection[] = [];
const NO_PARTS: Parts = [];
