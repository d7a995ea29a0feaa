import { AHEAD_KEY, LINK_PREFIX } from "../storage/keys.ts";
import { SPACING } from "../../relay/reliable-channel.ts";
import { ShardLink } from "./shard-link.ts";
import type { JoiningClient, StoredLink } from "./shard-link.ts";
import type { Introduction, JoinAttempt, Receipt, RosterEntry, ShardBatch, ToRoom } from "../../relay/messages.ts";
import { RemotePatches } from "../sync/remote-patches.ts";
import { idAtShard, RemoteSocket } from "./remote-socket.ts";
import type { ShardLinksScope, ShardLinks } from "./shard-links.ts";
import type { OwnRows } from "../timing/room-part.ts";
import type { ShardSights } from "../../state/shard-sights.ts";
import { seenTablesOf } from "../../state/wire-tables.ts";
import { CODES } from "../../protocol/codes.ts";
import { MAX_WAITING, sizeOf } from "../../platform/client-limits.ts";
import { tooMuchWaits, userOf, WaitingBudget } from "../../platform/waiting-budget.ts";
import { WaitingQueue } from "../../platform/waiting-queue.ts";
import { retry } from "../../platform/retry.ts";

/** A shard that is unreachable for this long is considered lost, in ms. */
const PATIENCE = 30_000;
/** The longest time that a room that wakes waits for its shards, in ms. */
const LONGEST_START = 3000;
/** The longest time that a room that ends waits for its shards, and how often it looks, in ms. */
const LONGEST_END = 5000;
const GLANCE = 50;
/** The maximum size of unacknowledged frames for single clients, in bytes. */
const MAX_MAIL = { client: 4_000_000, user: 8_000_000, all: 8_000_000 };
/**
 * The minimum time between two batches for each shard, in ms. An object handles about a thousand calls a second: this
 * uses half of them.
 */
const SPACING_PER_SHARD = 2;
const LONGEST_SPACING = 100;

/**
 * The links to the shards that hold clients of this room. The number of the last batch of each is stored with the
 * state. A room that lost its memory asks its shards for their clients.
 */
export class LiveShardLinks implements ShardLinks {
  readonly #scope: ShardLinksScope;
  readonly #boot = crypto.randomUUID();
  readonly #links = new Map<string, ShardLink>();
  readonly #unsaved = new Set<string>();
  readonly #learning = new Map<string, Promise<ShardLink | undefined>>();
  /** Whether all shards were asked for their clients. */
  #isAwake = false;
  #hadClients = false;
  #isAhead = false;
  #isAheadStored = false;
  /** Whether `$ahead` could not be stored. It is stored with the next save, unless nothing is ahead any more. */
  #isAheadWanted = false;
  /** Counts the frames for single clients. Undefined until one waits. */
  #waitingMail: WaitingBudget<RemoteSocket> | undefined;
  /** Counts the messages of joining clients. Undefined until one waits. */
  #early: WaitingBudget<JoiningClient> | undefined;

  constructor(scope: ShardLinksScope) {
    this.#scope = scope;
  }

  get size(): number {
    return this.#links.size;
  }

  /** Whether the room hibernated: there are clients at shards, and they have exactly the stored state. */
  get didSleep(): boolean {
    return this.#hadClients && !this.#isAhead;
  }

  get isUnsaved(): boolean {
    if (this.#unsaved.size > 0 || this.#isAheadWanted) return true;
    return this.#isAheadStored && !this.#scope.persistence.hasVolatile && this.isAcknowledged;
  }

  all(): Iterable<ShardLink> {
    return this.#links.values();
  }

  /** Loads the stored links. */
  load(rows: OwnRows): void {
    if (rows.of("ahead").length > 0) this.#isAhead = this.#isAheadStored = true;
    for (const [shardId, value] of rows.of("link")) {
      const stored = value as StoredLink;
      this.#hadClients ||= stored.clients > 0;
      this.#create(shardId, stored);
    }
    this.#isAwake = this.#links.size === 0;
  }

  /** Asks all known shards for their clients. Resolves when all have answered, or after 3 seconds. */
  async learn(): Promise<void> {
    const { clock } = this.#scope;
    const all = Promise.all([...this.#links.keys()].map((shardId) => this.#learn(shardId)));
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = clock.after(LONGEST_START, resolve, "start");
    await Promise.race([all, late]);
    cancel();
    this.#isAwake = true;
  }

  /** Handles a batch of a shard. */
  async relay(batch: ShardBatch): Promise<Receipt> {
    const known = this.#links.get(batch.shardId);
    const link = known?.run === batch.run ? known : await this.#learn(batch.shardId);
    if (link?.run !== batch.run) return { verdict: "unknown" };
    const verdict = link.receiver.judge(batch);
    if (verdict !== "take") return { verdict: verdict === "gap" ? "gap" : "ok" };
    this.#changed(link);
    for (const item of batch.items) this.#take(link, item);
    this.#scope.persistence.endTurn(true);
    const spacing = Math.min(this.#links.size * SPACING_PER_SHARD, LONGEST_SPACING);
    return spacing > SPACING ? { verdict: "ok", spacing } : { verdict: "ok" };
  }

  resume(didSleep: boolean): void {
    const links = [...this.#links.values()].filter((link) => link.needsState(didSleep));
    // Making the state for the first shard sends waiting changes to all of them.
    if (!didSleep) for (const link of links) link.awaitState();
    for (const link of links) this.#sendState(link, didSleep);
  }

  /** A shard that does not acknowledge in time learns later that the room does not know it. */
  async acknowledged(): Promise<void> {
    const { clock } = this.#scope;
    const until = clock.now() + LONGEST_END;
    while (this.size > 0 && !this.isAcknowledged && clock.now() < until) {
      await new Promise<void>((resolve) => clock.after(GLANCE, resolve, "shard"));
    }
  }

  /**
   * Sends a shard the state of its clients. @param isKnown whether they have it. If not, the shard sends the differences
   * @param isHolding whether the shard may hold packets back until it has the state
   */
  #sendState(link: ShardLink, isKnown: boolean, isHolding = false): void {
    const { broadcast } = this.#scope;
    // The pending changes are sent first; then the shard asks again. A shard that needs the visibility data waits for
    // it too.
    const canWait = !link.sights?.isUsed || !(broadcast.autoSync || isHolding);
    if (isKnown && broadcast.isPending && canWait) return;
    // Waiting changes are part of the state. In a packet before it, they could have a number that clients do not expect.
    if (!isKnown) link.awaitState();
    const state = broadcast.stateFor(link);
    if (state) link.state(state, isKnown);
  }

  /** Writes changes. Called in the transaction that saves the state. */
  write(isAll: boolean): void {
    const { storage } = this.#scope;
    for (const shardId of this.#unsaved) {
      const link = this.#links.get(shardId);
      if (link) storage.put(LINK_PREFIX + shardId, link.stored(this.#links.size));
      else storage.delete(LINK_PREFIX + shardId);
    }
    if (this.#isAheadStored && isAll && this.isAcknowledged) storage.delete(AHEAD_KEY);
    else if (this.#hasToStoreAhead) storage.put(AHEAD_KEY, true);
  }

  saved(isAll: boolean): void {
    this.#unsaved.clear();
    if (isAll && this.isAcknowledged) this.#isAhead = this.#isAheadStored = false;
    else if (this.#hasToStoreAhead) this.#isAhead = this.#isAheadStored = true;
    this.#isAheadWanted = false;
  }

  get #hasToStoreAhead(): boolean {
    return !this.#isAheadStored && (this.#isBehind || (this.#isAheadWanted && !this.isAcknowledged));
  }

  /** Whether the state that is being stored has not been sent yet. */
  get #isBehind(): boolean {
    return this.size > 0 && !this.#scope.broadcast.isAllSent;
  }

  /** Whether all clients have exactly the present state. */
  get isAcknowledged(): boolean {
    return this.#scope.broadcast.isAllSent && [...this.#links.values()].every((link) => link.isAcknowledged);
  }

  #take(link: ShardLink, item: ToRoom): void {
    const pending = link.joining.get(item.id);
    if (item.kind === "leave") link.markLeft(item.id);
    if (item.kind === "join") this.#join(link, item.id, item.knock);
    else if (pending && item.kind === "message") this.#keep(pending, item.frame);
    else if (pending) void pending.done.then(() => this.#passOn(link, item));
    else this.#passOn(link, item);
  }

  /** Keeps a message until its sender has joined. */
  #keep(client: JoiningClient, frame: string | ArrayBuffer): void {
    if (client.link.hasLeft(client.id)) return;
    this.#early ??= new WaitingBudget<JoiningClient>(MAX_WAITING, (fullest) => this.#refuseEarly(fullest));
    (client.early ??= new WaitingQueue(this.#early, client, client.user, sizeOf)).push(frame);
  }

  #refuseEarly({ link, id, early }: JoiningClient): void {
    early?.clear();
    const error = tooMuchWaits();
    const socket = link.sockets.get(id);
    if (socket) this.#scope.connections.find(socket)?.cut(error);
    else link.closeClient(id, CODES[error.code].close, error.message);
  }

  /** The join of a client is done: handles the messages that it sent meanwhile. */
  #joined({ link, id, early }: JoiningClient): void {
    link.joining.delete(id);
    for (let frame = early?.shift(); frame !== undefined; frame = early?.shift()) {
      this.#passOn(link, { kind: "message", id, frame });
    }
  }

  #passOn(link: ShardLink, item: Exclude<ToRoom, { kind: "join" }>): void {
    const socket = link.sockets.get(item.id);
    if (socket && item.kind === "missed" && item.boot === this.#boot) this.#missed(socket, item.seq);
    else if (socket && item.kind === "message") void this.#scope.room.message(socket, item.frame);
    else if (socket && item.kind === "leave") this.#disconnect(link, socket, item.isLost === true);
  }

  /** A client needs the changes that it missed. @param seq the number of the last packet that it got */
  #missed(socket: RemoteSocket, seq: number): void {
    const { connections, broadcast } = this.#scope;
    const conn = connections.find(socket);
    if (conn?.phase !== "open" || conn.hasLeft) return;
    conn.seq = seq;
    broadcast.catchUp(conn);
  }

  #disconnect(link: ShardLink, socket: RemoteSocket, isLost = true): void {
    socket.isOpen = false;
    link.forget(socket.remote.id);
    this.#scope.room.closed(socket, isLost);
  }

  #join(link: ShardLink, id: number, { request: { url, headers, cf }, ...who }: JoinAttempt): void {
    if (link.sockets.has(id) || link.joining.has(id) || link.hasLeft(id)) return;
    const socket = new RemoteSocket(link, id);
    const request = new Request(url, { headers: headers.map(([name, value]) => [name, value]), cf: cf as never });
    const isGone = () => link.isClosed || link.hasLeft(id);
    const joined = this.#scope.room.connect({ request, ...who, socket, isGone, isBatched: true });
    const client: JoiningClient = {
      id,
      link,
      user: userOf(who.sessionId, `${link.shardId} ${id}`),
      done: joined.finally(() => this.#joined(client)),
      early: undefined,
    };
    link.joining.set(id, client);
  }

  /** Asks a shard for its clients. Simultaneous calls share one question. */
  #learn(shardId: string): Promise<ShardLink | undefined> {
    let learning = this.#learning.get(shardId);
    if (!learning) {
      const before = [...(this.#links.get(shardId)?.sockets.values() ?? [])];
      learning = this.#introduce(shardId)
        .then((introduction) => this.#takeIntroduction(shardId, introduction, before))
        .finally(() => this.#learning.delete(shardId));
      this.#learning.set(shardId, learning);
    }
    return learning;
  }

  /** @returns undefined if the shard is unreachable, or has no clients of this room */
  async #introduce(shardId: string): Promise<Introduction | undefined> {
    const { clock, shards } = this.#scope;
    try {
      return await retry(clock, PATIENCE, () => shards.introduce(shardId, this.#boot));
    } catch (error) {
      this.#scope.failures.failed("shard_lost", error, { shard: shardId });
      return undefined;
    }
  }

  /** @param before the clients that the room had when it asked, since the answer may not include later ones */
  #takeIntroduction(
    shardId: string,
    introduction: Introduction | undefined,
    before: readonly RemoteSocket[],
  ): ShardLink | undefined {
    const known = this.#links.get(shardId);
    if (known && known.run !== introduction?.run) this.#drop(known);
    if (!introduction) return undefined;
    const { run, roster, wantsState, mailed, takesBinary = false } = introduction;
    const link = this.#links.get(shardId) ?? this.#discover(shardId, run);
    const isLate = this.#isAwake && !link.isIntroduced;
    // Mail for clients that wait for their first packet is sent after it.
    const early = link.isIntroduced ? [] : roster.filter((entry) => "knock" in entry || !entry.isOpen);
    const held = early.map(({ id }) => ({ id, texts: link.takeMail(id) }));
    link.takesFrames = introduction.takesFrames === true;
    link.introduced(mailed, this.#createSights(introduction), takesBinary);
    this.#changed(link);
    const present = new Set(roster.map(({ id }) => id));
    for (const socket of before) if (socket.isOpen && !present.has(socket.remote.id)) this.#disconnect(link, socket);
    for (const entry of roster) this.#addClient(link, entry);
    for (const { id, texts } of held) {
      void Promise.resolve(link.joining.get(id)?.done).then(() => this.#resend(link.sockets.get(id), texts));
    }
    link.wantsState = wantsState;
    // The shard answered late, or the room had forgotten it.
    if (isLate && roster.some((entry) => "isOpen" in entry && entry.isOpen)) this.#sendState(link, false);
    if (isLate) this.#scope.broadcast.schedule();
    return link;
  }

  #createSights({ takesSights, takesRings = false, takesBinary }: Introduction): ShardSights | undefined {
    const { tree } = this.#scope;
    const tables = takesBinary ? () => seenTablesOf(tree.root) : undefined;
    return takesSights ? tree.crowd?.createShardSights(idAtShard, takesRings, tables) : undefined;
  }

  /** Adds a client of an introduction: one that has joined before, or that still wants to join. */
  #addClient(link: ShardLink, entry: RosterEntry): void {
    if ("knock" in entry) this.#join(link, entry.id, entry.knock);
    else if (!link.sockets.has(entry.id) && !link.hasLeft(entry.id)) {
      const socket = new RemoteSocket(link, entry.id, entry.attachment);
      link.add(socket);
      this.#scope.room.recover(socket, entry.isOpen);
    }
  }

  #resend(socket: RemoteSocket | undefined, texts: readonly string[]): void {
    if (socket) for (const text of texts) this.#scope.connections.find(socket)?.answer(text);
  }

  /** Adds a link, and stores it at once, since a room that loses its memory has to know which shards to ask. */
  #discover(shardId: string, run: string): ShardLink {
    const stored: StoredLink = { run, life: undefined, last: 0, mail: [], mailed: 0, clients: 0 };
    this.#scope.storage.put(LINK_PREFIX + shardId, stored);
    return this.#create(shardId, stored);
  }

  /** Counts the frames for single clients. */
  get #waiting(): WaitingBudget<RemoteSocket> {
    return (this.#waitingMail ??= new WaitingBudget<RemoteSocket>(MAX_MAIL, (socket) => {
      socket.discard();
      this.#scope.connections.find(socket)?.cut(tooMuchWaits());
    }));
  }

  /** After this event, since it may be the one that sends the changes. */
  #sendStateSoon(link: ShardLink): void {
    this.#scope.failures.failed("shard_slow", new Error("Too much data waits for the shard"), { shard: link.shardId });
    this.#scope.clock.after(0, () => link.isClosed || this.#sendState(link, false), "shard");
  }

  #create(shardId: string, stored: StoredLink): ShardLink {
    const { shards, clock, broadcast } = this.#scope;
    if (this.size === 0) broadcast.serveShards(RemotePatches);
    const link: ShardLink = new ShardLink(shardId, stored, this.#boot, clock, PATIENCE, {
      waiting: this.#waiting,
      deliver: (batch) => shards.deliver(shardId, batch),
      onBehind: () => this.#sendStateSoon(link),
      onChanged: () => this.#changed(link),
      onSending: () => this.#beforeSending(),
      onAcknowledged: () => this.#scope.persistence.schedule("companion"),
      onWantsState: (isHolding) => this.#sendState(link, true, isHolding),
      onUnknown: () => void this.#learn(shardId),
      onSilent: () => this.#lost(link),
    });
    this.#links.set(shardId, link);
    return link;
  }

  #changed({ shardId }: ShardLink): void {
    this.#unsaved.add(shardId);
    this.#scope.persistence.schedule("companion");
  }

  /**
   * Stores `$ahead` before anything is sent, so that a room that wakes knows that its clients may have another state.
   * If that fails, it is stored with the next save: clients get changes even while nothing can be stored.
   */
  #beforeSending(): void {
    this.#isAhead = true;
    if (this.#isAheadStored || this.#isAheadWanted) return;
    try {
      this.#scope.storage.put(AHEAD_KEY, true);
      this.#isAheadStored = true;
    } catch (error) {
      this.#isAheadWanted = true;
      this.#scope.failures.failed("save_failed", error);
    }
    this.#scope.persistence.schedule("companion");
  }

  #lost(link: ShardLink): void {
    if (this.#links.get(link.shardId) !== link) return;
    this.#scope.failures.failed("shard_lost", new Error("The shard cannot be reached"), { shard: link.shardId });
    this.#drop(link);
    // The shard may be back. Clients that only listen would otherwise wait forever.
    void this.#learn(link.shardId);
  }

  /** Removes a link: all of its clients are offline. */
  #drop(link: ShardLink): void {
    link.close();
    this.#links.delete(link.shardId);
    this.#changed(link);
    for (const socket of link.sockets.values()) this.#disconnect(link, socket);
  }
}
