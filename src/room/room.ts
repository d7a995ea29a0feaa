import type { CompiledRoom } from "../define/room.ts";
import type { ActionContext, Claims, GuardContext, RoomHandle } from "../define/types.ts";
import { RoomError } from "../protocol/errors.ts";
import { Tree } from "../state/tree.ts";
import { Alarms } from "./timing/alarms.ts";
import { AnsweredMessages } from "./actions/answered-messages.ts";
import { Broadcast } from "./sync/broadcast.ts";
import type { RoomConnection } from "./connections/connection.ts";
import { Connections } from "./connections/connections.ts";
import { Dispatch } from "./actions/dispatch.ts";
import { Admission } from "./admission.ts";
import { Hooks } from "./handlers/hooks.ts";
import { createHandle } from "./handle.ts";
import type { RoomIdentity } from "./handle.ts";
import type { CreateShardLinks, ShardLinks } from "./shards/shard-links.ts";
import { Listing } from "./listing/listing.ts";
import { overviewOf } from "./overview.ts";
import { Persistence } from "./storage/persistence.ts";
import type { Clock } from "../platform/ports.ts";
import type { RoomSocket } from "./connections/remote-group.ts";
import type { JoinRequest } from "./connections/join-request.ts";
import type { Ports } from "./room-ports.ts";
import { Presence } from "./sessions/presence.ts";
import { Quarantine } from "./storage/quarantine.ts";
import { Reporter } from "./handlers/reporter.ts";
import { answerRequest } from "./requests/requests.ts";
import { StoredRoomReader } from "./storage/restore.ts";
import { Schedules } from "./schedules.ts";
import type { Receipt, ShardBatch } from "../relay/messages.ts";
import { Sessions } from "./sessions/sessions.ts";
import { closeAll } from "./storage/read-room.ts";
import { SyncLog } from "./sync/sync-log.ts";
import { SyncMode } from "./sync/sync-mode.ts";
import { Ticker } from "./timing/ticker.ts";
import type { TransferAnswer, TransferredUser, RecallAnswer } from "./transfers/messages.ts";
import { Transfers } from "./transfers/transfers.ts";
import { Turns } from "./timing/turns.ts";
import { Views } from "./sync/views.ts";

/** One room, on whatever platform its ports lead to: it composes the parts, with little logic of its own. */
export class RoomCore {
  readonly state: object;
  readonly handle: RoomHandle;
  readonly compiled: CompiledRoom;
  readonly turns: Turns;
  readonly clock: Clock;
  readonly tree: Tree;
  readonly answers: AnsweredMessages;
  readonly listing: Listing;
  readonly reporter: Reporter;
  readonly sessions: Sessions;
  readonly #ports: Ports;
  readonly #connections = new Connections();
  readonly #hooks: Hooks;
  readonly #alarms: Alarms;
  readonly #quarantine: Quarantine;
  readonly #persistence: Persistence;
  readonly #broadcast: Broadcast;
  readonly #mode: SyncMode;
  readonly #presence: Presence;
  readonly #schedules: Schedules;
  readonly #transfers: Transfers;
  readonly #dispatch: Dispatch;
  readonly #ticker: Ticker | undefined;
  readonly #door: Admission;
  readonly #links: ShardLinks;
  readonly #log: SyncLog;
  /** Resolves when the room knows who is here, and `onStart` is done; undefined if there is nothing to wait for. */
  #starting: Promise<unknown> | undefined;

  /** @throws whatever `state()` or a restore hook throws: such a room cannot run, and its data stays as it is */
  constructor(compiled: CompiledRoom, identity: RoomIdentity, ports: Ports, createLinks: CreateShardLinks) {
    const { settings, definition } = compiled;
    const { clock, storage } = ports;
    [this.compiled, this.clock, this.#ports] = [compiled, clock, ports];
    this.state = definition.state();
    this.tree = new Tree(this.state);
    const { rows } = this.tree;
    this.turns = new Turns(clock, () => this.#endTurn());
    this.reporter = new Reporter(compiled, this.state, this.turns, ports.log, () => this.handle);
    this.#hooks = new Hooks(compiled, this.state, () => this.handle, this.turns, this.reporter);
    const failed = (event: string, error: unknown, details = {}) => this.reporter.failed(event, error, details);
    this.#quarantine = new Quarantine(storage, clock, failed);
    this.tree.onUnreadable = (names, value, error) => this.#quarantine.take(names, value, error);
    this.#alarms = new Alarms(ports.alarm, clock, (error) => failed("alarm_failed", error));
    this.#persistence = new Persistence(rows, storage, clock, this.#alarms, settings.throttleStorage, (error) =>
      failed("save_failed", error),
    );
    this.#log = new SyncLog(rows, storage);
    const views = new Views(this.tree, this.#connections);
    this.#broadcast = new Broadcast(this.tree, views, this.#log, this.#connections, clock, this.turns, settings);
    this.#mode = new SyncMode(this.tree, rows, this.#broadcast, storage);
    this.sessions = new Sessions(rows, clock, settings, (session) => this.#presence.expire(session));
    this.answers = new AnsweredMessages(this.sessions);
    this.#presence = new Presence(this.tree, this.#connections, this.sessions, clock, settings.maxUsers);
    const run = (name: string, payload: unknown) => this.#hooks.schedule(name, payload);
    this.#schedules = new Schedules(compiled, storage, clock, run, () => this.#persistence.saveAlong());
    const base = { compiled, storage, clock, failed, arm: () => this.#alarms.arm() };
    this.listing = new Listing({
      ...base,
      worlds: ports.worlds,
      place: { party: identity.party, roomId: identity.id, path: definition.path, maxUsers: settings.maxUsers },
      users: () => this.#connections.userCount,
    });
    const parts = {
      ...base,
      neighbours: ports.neighbours,
      connections: this.#connections,
      broadcast: this.#broadcast,
      mode: this.#mode,
      sessions: this.sessions,
      presence: this.#presence,
      persistence: this.#persistence,
      listing: this.listing,
    };
    this.#transfers = new Transfers({
      ...parts,
      roomId: identity.id,
      hooks: this.#hooks,
      leaving: (session) => this.#door.tellLeaving(session),
    });
    this.#dispatch = new Dispatch(this);
    this.handle = createHandle(identity, {
      ...parts,
      quarantine: this.#quarantine,
      schedules: this.#schedules,
      transfers: this.#transfers,
    });
    this.#ticker = definition.tick && new Ticker(clock, definition.tick.hz, (elapsed) => this.#hooks.tick(elapsed));
    this.#door = new Admission({
      ...parts,
      state: this.state,
      tree: this.tree,
      handle: this.handle,
      turns: this.turns,
      transfers: this.#transfers,
      hooks: this.#hooks,
      reporter: this.reporter,
      views,
      alarms: this.#alarms,
      ticker: this.#ticker,
    });
    this.#links = createLinks({
      ...parts,
      shards: ports.shards,
      room: this,
      door: this.#door,
      ticker: this.#ticker,
    });
    this.#persistence.companion = this.#links;
    this.tree.onError = (error) => failed("state_failed", error);
    this.#wake();
  }

  /** Lets a client in, or refuses it: then its socket is accepted and closed with a code and a reason. */
  async connect(request: JoinRequest): Promise<void> {
    if (this.#starting) await this.#starting;
    await this.#door.connect(request);
  }

  /** A frame of a client. @returns a promise if it is not handled yet */
  message(socket: RoomSocket, frame: string | ArrayBuffer): Promise<void> | undefined {
    const conn = this.#connections.find(socket);
    return conn && this.#dispatch.receive(conn, frame, this.#starting);
  }

  /** A socket closed, or broke. */
  closed(socket: RoomSocket): void {
    this.#connections.find(socket)?.closed();
    this.turns.end();
  }

  /** An HTTP request for `path` inside the room. */
  async request(request: Request, path: string, auth: Claims | null): Promise<Response> {
    await this.#starting;
    const response = await answerRequest(request, {
      path,
      auth,
      compiled: this.compiled,
      state: this.state,
      room: this.handle,
      run: (handler) => this.turns.run(handler),
      reporter: this.reporter,
    });
    this.turns.end();
    return response;
  }

  /** The object's alarm rang. */
  async alarm(): Promise<void> {
    await this.#starting;
    this.#persistence.rang();
    await this.#alarms.ring();
    this.turns.end();
  }

  /** A shard passes on what its clients sent. */
  async relay(batch: ShardBatch): Promise<Receipt> {
    await this.#starting;
    return this.#links.relay(batch);
  }

  /** Another room sends a user. */
  async board(passenger: TransferredUser): Promise<TransferAnswer> {
    await this.#starting;
    const boarding = await this.#transfers.board(passenger);
    this.turns.end();
    return boarding;
  }

  /** Another room calls a user back. */
  async recall(transferId: string, sessionId: string): Promise<RecallAnswer> {
    await this.#starting;
    const recall = this.turns.run(() => this.#transfers.recall(transferId, sessionId));
    this.turns.end();
    return recall;
  }

  /** Resolves when the room takes events; undefined if it does. @internal */
  get started(): Promise<unknown> | undefined {
    return this.#starting;
  }

  get overview() {
    return overviewOf(this.#connections, this.sessions, this.#schedules, this.#links);
  }

  /** Whether shards have all that they were sent. @internal */
  get isSettled(): boolean {
    return this.#links.isSettled;
  }

  /** Stops what keeps the object awake. A restart takes it up again. @internal */
  rest(): void {
    this.#ticker?.stop();
  }

  actionContext(conn: RoomConnection): ActionContext<object> {
    const user = this.#presence.user(conn.publicId);
    const isGone = this.#presence.hasUsers ? !user : !this.sessions.find(conn.sessionId);
    if (isGone) throw new RoomError("forbidden", "You are no longer in this room");
    return { user: user as never, conn, auth: conn.auth, state: this.state, room: this.handle };
  }

  guardContext(conn: RoomConnection): GuardContext<object> {
    return { conn, auth: conn.auth, request: undefined, state: this.state, room: this.handle };
  }

  #wake(): void {
    const stored = new StoredRoomReader(this.compiled, this.tree, this.#ports, this.#quarantine, this.reporter);
    const { own } = stored;
    this.#links.load(own);
    const isAwake = stored.sockets.length > 0 || this.#links.didSleep;
    const { isNew, volatileKeys } = stored.restore(isAwake, this.handle);
    this.#persistence.load(volatileKeys, isAwake, stored.noteVersion);
    this.#door.isNew = isNew;
    // Where a field starts anew, clients know another state.
    const didSleep = isAwake && this.#quarantine.isEmpty;
    const sockets = didSleep ? stored.sockets : closeAll(stored.sockets);
    for (const part of [this.sessions, this.#schedules, this.#transfers, this.listing]) part.load(own);
    this.#log.load(own, didSleep);
    const known = this.#mode.load(own);
    this.tree.rows.onUnsaved = () => this.#unsaved();
    for (const socket of sockets) this.#door.recover(socket);
    this.#presence.assumeOnline();
    if (sockets.length > 0 || this.#links.size > 0) this.#broadcast.assume(known);
    this.tree.onChange = () => this.#broadcast.schedule();
    this.#alarms.register(this.#persistence, this.sessions, this.#schedules, ...this.#transfers.parts, this.listing);
    this.#quarantine.open();
    this.reporter.open();
    const resume = () => this.#resume(didSleep);
    if (this.#links.size > 0) this.#broadcast.pause();
    const learning = this.#links.size > 0 ? this.#links.learn().then(resume) : resume();
    this.#starting = learning?.finally(() => void (this.#starting = undefined));
  }

  /** Everyone who is here is known again. @returns what there is to wait for, if anything */
  #resume(didSleep: boolean): Promise<unknown> | undefined {
    this.#broadcast.resume();
    if (this.#connections.size > 0) this.#ticker?.start();
    for (const link of this.#links.all()) {
      if (link.isMet && (!didSleep || link.wantsState)) this.#links.tellState(link, didSleep);
    }
    this.#broadcast.schedule();
    this.#presence.dropGhosts();
    if (!this.tree.rows.isClean) this.#unsaved();
    this.listing.changed();
    this.#alarms.arm();
    return this.#hooks.start();
  }

  #unsaved(): void {
    this.#persistence.schedule();
    if (this.compiled.settings.throttleStorage === 0) this.turns.want();
  }

  #endTurn(): void {
    this.#persistence.endTurn();
    this.#broadcast.endTurn();
    this.#mode.endTurn();
  }
}
