import type { CompiledRoom } from "../define/room.ts";
import type { ActionContext, Claims, GuardContext, RoomHandle } from "../define/types.ts";
import { RoomError, toRoomError } from "../protocol/errors.ts";
import { Tree } from "../state/tree.ts";
import { Alarms } from "./alarms.ts";
import { Broadcast } from "./broadcast.ts";
import { Conn, Connections } from "./connections.ts";
import type { ConnHooks, Who } from "./connections.ts";
import { Dispatch } from "./dispatch.ts";
import { passes } from "./guards.ts";
import { Hooks } from "./hooks.ts";
import { createHandle } from "./handle.ts";
import type { RoomIdentity } from "./handle.ts";
import { Persistence } from "./persistence.ts";
import type { Clock, JoinRequest, Ports, Socket } from "./ports.ts";
import { Presence } from "./presence.ts";
import { Reporter } from "./reporter.ts";
import { answerRequest } from "./requests.ts";
import { restoreState } from "./restore.ts";
import { Schedules } from "./schedules.ts";
import { Sessions, subjectOf } from "./sessions.ts";
import type { Session } from "./sessions.ts";
import { assemble } from "./stored-state.ts";
import { SyncMode } from "./sync-mode.ts";
import { Ticker } from "./ticker.ts";
import type { Boarding, Passenger, Recall } from "./transfer.ts";
import { Transfers } from "./transfers.ts";
import { Turns } from "./turns.ts";

/** One room, on whatever platform its ports lead to: it composes the parts, and has little logic of its own. */
export class RoomCore {
  readonly state: object;
  readonly handle: RoomHandle;
  readonly compiled: CompiledRoom;
  readonly turns: Turns;
  readonly clock: Clock;
  readonly tree: Tree;
  readonly #ports: Ports;
  readonly #connections = new Connections();
  readonly #reporter: Reporter;
  readonly #hooks: Hooks;
  readonly #alarms: Alarms;
  readonly #persistence: Persistence;
  readonly #broadcast: Broadcast;
  readonly #mode: SyncMode;
  readonly #sessions: Sessions;
  readonly #presence: Presence;
  readonly #schedules: Schedules;
  readonly #transfers: Transfers;
  readonly #dispatch: Dispatch;
  readonly #ticker: Ticker | undefined;
  readonly #intercept: ConnHooks["intercept"];
  #isNew = true;
  /** Resolves when `onStart` is done; undefined if there is nothing to wait for. */
  #starting: Promise<unknown> | undefined;

  /** @throws whatever `state()` or a restore hook throws: such a room cannot run, and its data stays as it is */
  constructor(compiled: CompiledRoom, identity: RoomIdentity, ports: Ports) {
    const { settings, definition } = compiled;
    const { clock, storage } = ports;
    this.compiled = compiled;
    this.clock = clock;
    this.#ports = ports;
    this.state = definition.state();
    this.tree = new Tree(this.state);
    const { rows } = this.tree;
    this.turns = new Turns(clock, () => this.#endTurn());
    this.#reporter = new Reporter(compiled, this.state, this.turns, ports.log, () => this.handle);
    this.#hooks = new Hooks(compiled, this.state, () => this.handle, this.turns, this.#reporter);
    const failed = (event: string, error: unknown) => this.#reporter.failed(event, error);
    const arm = () => this.#alarms.arm();
    this.#alarms = new Alarms(ports.alarm, clock, (error) => failed("alarm_failed", error));
    this.#persistence = new Persistence(rows, storage, clock, this.#alarms, settings.throttleStorage, (error) =>
      failed("save_failed", error),
    );
    this.#broadcast = new Broadcast(this.tree, this.#connections, clock, this.turns, settings);
    this.#mode = new SyncMode(this.tree, rows, this.#broadcast, storage);
    this.#sessions = new Sessions(rows, clock, settings.sessionExpiryTime, (session) => this.#presence.expire(session));
    this.#presence = new Presence(this.tree, this.#connections, this.#sessions, clock, settings.maxUsers);
    this.#schedules = new Schedules(compiled, storage, clock, (name, payload) => this.#hooks.schedule(name, payload));
    const parts = {
      storage,
      sessions: this.#sessions,
      persistence: this.#persistence,
      neighbours: ports.neighbours,
      arm,
    };
    this.#transfers = new Transfers({
      ...parts,
      clock,
      failed,
      presence: this.#presence,
      roomId: identity.id,
      expiry: settings.transferExpiryTime,
      restore: (passenger, user, publicId) => this.#hooks.restoreUser(passenger, user, publicId),
      leaving: (session) => this.#tellLeaving(session),
    });
    this.#dispatch = new Dispatch(this);
    this.handle = createHandle(identity, {
      ...parts,
      connections: this.#connections,
      broadcast: this.#broadcast,
      mode: this.#mode,
      schedules: this.#schedules,
      transfers: this.#transfers,
    });
    const { tick } = definition;
    this.#ticker = tick && new Ticker(clock, tick.hz, (elapsed) => this.#hooks.tick(elapsed));
    this.#intercept = this.#hooks.interceptor((conn) => this.#presence.user(conn.publicId));
    this.tree.onError = (error) => failed("state_failed", error);
    this.#wake();
  }

  /** Lets a client in, or refuses it: then its socket is accepted and closed with a code and a reason. */
  async connect({ request, auth, sessionId, transferToken, accept }: JoinRequest): Promise<void> {
    let socket: Socket | undefined;
    try {
      await this.#starting;
      await this.#admit(auth, request);
      const id = transferToken === undefined ? sessionId : this.#transfers.sessionOf(transferToken, sessionId);
      if (id !== undefined) await this.#transfers.welcomeBack(id);
      const session = this.turns.run(() => this.#presence.enter(id ?? crypto.randomUUID(), subjectOf(auth)));
      if (transferToken !== undefined) this.#transfers.spend(transferToken);
      const { publicId, connState: state } = session;
      const conn = this.#open((socket = accept()), { sessionId: session.id, publicId, auth, state });
      await this.#join(conn, request);
    } catch (thrown) {
      const error = toRoomError(thrown);
      if (error.code === "internal") this.#reporter.failed("connect_failed", thrown);
      const conn = socket && this.#connections.find(socket);
      if (conn) conn.refuse(error);
      else Conn.refuse(socket ?? accept(), error);
    }
    this.turns.end();
  }

  /** A frame of a client. Resolves when it has been handled. */
  async message(socket: Socket, frame: string | ArrayBuffer): Promise<void> {
    if (this.#starting) await this.#starting;
    const conn = this.#connections.find(socket);
    if (conn) await this.#dispatch.receive(conn, frame);
  }

  /** A socket closed, or broke. */
  closed(socket: Socket): void {
    this.#connections.find(socket)?.closed();
    this.turns.end();
  }

  /** An HTTP request for `path` inside the room. */
  async request(request: Request, path: string, auth: Claims | null): Promise<Response> {
    await this.#starting;
    const { routes, definition, settings } = this.compiled;
    const response = await answerRequest(routes, request, {
      path,
      auth,
      state: this.state,
      room: this.handle,
      roomGuards: definition.guards ?? [],
      maxBodyBytes: settings.maxMessageBytes,
      run: (handler) => this.turns.run(handler),
      onFailure: (error) => this.#reporter.failed("request_failed", error, { path }),
    });
    this.turns.end();
    return response;
  }

  /** The object's alarm rang. */
  async alarm(): Promise<void> {
    await this.#starting;
    // Whatever it rang for, and however early: the object is awake, so what is unsaved is saved along.
    this.#persistence.save();
    await this.#alarms.ring();
    this.turns.end();
  }

  /** Another room sends a user. */
  async board(passenger: Passenger): Promise<Boarding> {
    await this.#starting;
    const boarding = await this.#transfers.board(passenger);
    this.turns.end();
    return boarding;
  }

  /** Another room calls a user back. */
  async recall(transferId: string, sessionId: string): Promise<Recall> {
    await this.#starting;
    const recall = this.turns.run(() => this.#transfers.recall(transferId, sessionId));
    this.turns.end();
    return recall;
  }

  /** Stops what keeps the object awake, as it is when nobody is connected. A restart takes it up again. @internal */
  rest(): void {
    this.#ticker?.stop();
  }

  actionContext(conn: Conn): ActionContext<object> {
    const user = this.#presence.user(conn.publicId);
    const isGone = this.#presence.hasUsers ? !user : !this.#sessions.find(conn.sessionId);
    if (isGone) throw new RoomError("forbidden", "You are no longer in this room");
    return { user: user as never, conn, auth: conn.auth, state: this.state, room: this.handle };
  }

  guardContext(conn: Conn): GuardContext<object> {
    return { conn, auth: conn.auth, request: undefined, state: this.state, room: this.handle };
  }

  failed(event: string, error: unknown, details: { action?: string; conn?: Conn }): void {
    this.#reporter.failed(event, error, details);
  }

  #wake(): void {
    const sockets = [...this.#ports.sockets()].filter((socket) => socket.isOpen);
    const rows = [...this.#ports.storage.list()];
    const { snapshot, volatileKeys } = assemble(rows, sockets.length > 0);
    this.#persistence.loadVolatile(volatileKeys, sockets.length > 0);
    this.#isNew = snapshot === undefined;
    if (snapshot) restoreState(this.compiled, this.tree, snapshot, this.handle);
    this.#sessions.load(rows);
    this.#schedules.load(rows);
    this.#transfers.load(rows);
    const known = this.#mode.load(rows);
    this.tree.rows.onUnsaved = () => this.#unsaved();
    for (const socket of sockets) this.#recover(socket);
    this.#presence.assumeOnline();
    if (sockets.length > 0 && known) this.#broadcast.assumePending(known);
    else if (sockets.length > 0) this.#broadcast.assumeKnown();
    this.tree.onChange = () => this.#broadcast.schedule();
    this.#presence.dropGhosts();
    if (!this.tree.rows.isClean) this.#unsaved();
    this.#alarms.register(this.#persistence, this.#sessions, this.#schedules, this.#transfers);
    this.#alarms.arm();
    if (sockets.length > 0) this.#ticker?.start();
    this.#starting = this.#hooks.start()?.finally(() => {
      this.#starting = undefined;
    });
  }

  /** A socket that was open while the room slept. */
  #recover(socket: Socket): void {
    const conn = Conn.recover(socket, this.#hooksFor(socket));
    if (!conn) return;
    this.#connections.add(socket, conn);
    // Its user went to another room, or was removed: it may listen, but is nobody here.
    if (!this.#sessions.find(conn.sessionId)) this.#connections.disown(conn.publicId);
  }

  #hooksFor(socket: Socket): ConnHooks {
    return { onClosed: (conn) => this.#left(socket, conn), intercept: this.#intercept };
  }

  async #admit(auth: Claims | null, request: Request): Promise<void> {
    const context = { conn: undefined, auth, request, state: this.state, room: this.handle };
    const verdict = await this.turns.run(() => passes(this.compiled.definition.guards ?? [], context, undefined));
    if (verdict !== true) throw new RoomError("forbidden", "You may not enter this room");
  }

  #open(socket: Socket, who: Who): Conn {
    const conn = Conn.open(socket, who, this.#hooksFor(socket));
    this.#connections.add(socket, conn);
    if (this.#isNew) this.tree.saveAll();
    this.#isNew = false;
    this.#ticker?.start();
    return conn;
  }

  async #join(conn: Conn, request: Request): Promise<void> {
    await this.#hooks.join(conn, this.#presence.user(conn.publicId), request);
    conn.joined(this.#mode.autoSync);
    this.#broadcast.schedule();
  }

  #left(socket: Socket, conn: Conn): void {
    this.#connections.remove(socket, conn);
    if (this.#connections.size === 0) this.#ticker?.stop();
    const session = this.#sessions.find(conn.sessionId);
    if (!session || this.#connections.isOnline(conn.publicId)) return;
    const user = this.#presence.user(conn.publicId);
    this.#presence.leave(session);
    this.#alarms.arm();
    if (user || !this.#presence.hasUsers) this.#hooks.leave(conn, user);
  }

  #tellLeaving(session: Session): void {
    const conn = this.#connections.all().find((other) => other.sessionId === session.id);
    if (conn) this.#hooks.leave(conn, this.#presence.user(session.publicId));
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
