import type { CompiledRoom } from "../define/room.ts";
import type { ActionContext, Claims, GuardContext, RoomHandle } from "../define/types.ts";
import { RoomError, toRoomError } from "../protocol/errors.ts";
import { Tree } from "../state/tree.ts";
import { Alarms } from "./alarms.ts";
import { Broadcast } from "./broadcast.ts";
import { Conn, Connections } from "./connections.ts";
import { Dispatch } from "./dispatch.ts";
import { passes } from "./guards.ts";
import { createHandle } from "./handle.ts";
import type { RoomIdentity } from "./handle.ts";
import { Persistence } from "./persistence.ts";
import type { Ports, Socket } from "./ports.ts";
import { Presence } from "./presence.ts";
import { answerRequest } from "./requests.ts";
import { restoreState } from "./restore.ts";
import { Sessions } from "./sessions.ts";
import { assemble } from "./stored-state.ts";
import { Ticker } from "./ticker.ts";
import { Turns } from "./turns.ts";

/** A client that asks to connect. */
export interface JoinRequest {
  /** The upgrade request, as the client made it. */
  readonly request: Request;
  readonly auth: Claims | null;
  readonly sessionId: string;
  /** Accepts the socket. Until then nobody has. */
  readonly accept: () => Socket;
}

/** One room, on whatever platform its ports lead to: it composes the parts, and has little logic of its own. */
export class RoomCore {
  readonly state: object;
  readonly handle: RoomHandle;
  readonly compiled: CompiledRoom;
  readonly turns: Turns;
  readonly #ports: Ports;
  readonly #tree: Tree;
  readonly #connections = new Connections();
  readonly #alarms: Alarms;
  readonly #persistence: Persistence;
  readonly #broadcast: Broadcast;
  readonly #sessions: Sessions;
  readonly #presence: Presence;
  readonly #dispatch: Dispatch;
  readonly #ticker: Ticker | undefined;
  #isNew = true;
  /** Resolves when `onStart` is done; undefined if there is nothing to wait for. */
  #starting: Promise<unknown> | undefined;

  /** @throws whatever `state()` or a restore hook throws: such a room cannot run, and its data stays as it is */
  constructor(compiled: CompiledRoom, identity: RoomIdentity, ports: Ports) {
    const { settings, definition } = compiled;
    this.compiled = compiled;
    this.#ports = ports;
    this.state = definition.state();
    this.#tree = new Tree(this.state);
    const { rows } = this.#tree;
    this.turns = new Turns(ports.clock, () => this.#endTurn());
    this.#alarms = new Alarms(ports.alarm, ports.clock, (error) => this.#report("alarm_failed", error));
    this.#persistence = new Persistence(
      rows,
      ports.storage,
      ports.clock,
      this.#alarms,
      settings.throttleStorage,
      (error) => this.#report("save_failed", error),
    );
    this.#broadcast = new Broadcast(this.#tree, this.#connections, ports.clock, this.turns, settings.throttleSync);
    this.#sessions = new Sessions(rows, ports.clock, settings.sessionExpiryTime, (session) =>
      this.#presence.expire(session),
    );
    this.#presence = new Presence(this.#tree, this.#connections, this.#sessions, settings.maxUsers);
    this.#dispatch = new Dispatch(this);
    this.handle = createHandle(identity, this.#connections, this.#persistence, ports.storage);
    const { tick } = definition;
    this.#ticker = tick && new Ticker(ports.clock, tick.hz, (elapsed) => this.#tick(elapsed));
    this.#tree.onError = (error) => this.#report("state_failed", error);
    this.#wake();
  }

  /** Lets a client in, or refuses it: then its socket is accepted and closed with a code and a reason. */
  async connect({ request, auth, sessionId, accept }: JoinRequest): Promise<void> {
    let socket: Socket | undefined;
    try {
      await this.#starting;
      await this.#admit(auth, request);
      const sub = typeof auth?.["sub"] === "string" ? auth["sub"] : undefined;
      const session = this.turns.run(() => this.#presence.enter(sessionId, sub));
      const conn = this.#open((socket = accept()), { sessionId, publicId: session.publicId, auth });
      await this.#join(conn, request);
    } catch (thrown) {
      const error = toRoomError(thrown);
      if (error.code === "internal") this.failed("connect_failed", thrown, {});
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
      onFailure: (error) => this.#report("request_failed", error, { path }),
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

  actionContext(conn: Conn): ActionContext<object> {
    const user = this.#presence.user(conn.publicId);
    if (!user && this.#presence.hasUsers) throw new RoomError("forbidden", "You are no longer in this room");
    return { user: user as never, conn, auth: conn.auth, state: this.state, room: this.handle };
  }

  guardContext(conn: Conn): GuardContext<object> {
    return { conn, auth: conn.auth, request: undefined, state: this.state, room: this.handle };
  }

  /** Logs what the developer's code threw, and tells `onError`. */
  failed(event: string, error: unknown, { action, conn }: { action?: string; conn?: Conn }): void {
    this.#report(event, error, { action, connection: conn?.id }, conn);
  }

  #wake(): void {
    const sockets = [...this.#ports.sockets()].filter((socket) => socket.isOpen);
    const rows = [...this.#ports.storage.list()];
    const { snapshot, volatileKeys } = assemble(rows, sockets.length > 0);
    this.#persistence.loadVolatile(volatileKeys, sockets.length > 0);
    this.#isNew = snapshot === undefined;
    if (snapshot) restoreState(this.compiled, this.#tree, snapshot, this.handle);
    this.#sessions.load(rows);
    this.#tree.rows.onUnsaved = () => this.#unsaved();
    for (const socket of sockets) this.#recover(socket);
    this.#presence.assumeOnline();
    if (sockets.length > 0) this.#broadcast.assumeKnown();
    this.#tree.onChange = () => this.#broadcast.schedule();
    this.#presence.dropGhosts();
    if (!this.#tree.rows.isClean) this.#unsaved();
    this.#alarms.register(this.#persistence);
    this.#alarms.register(this.#sessions);
    this.#alarms.arm();
    if (sockets.length > 0) this.#ticker?.start();
    this.#start();
  }

  #start(): void {
    const { onStart } = this.compiled.definition;
    if (!onStart) return;
    const outcome = this.#hook("onStart", () => onStart({ state: this.state, room: this.handle }));
    if (!outcome) return;
    this.#starting = outcome.finally(() => {
      this.#starting = undefined;
    });
  }

  /** A socket that was open while the room slept. */
  #recover(socket: Socket): void {
    const conn = Conn.recover(socket, (closed) => this.#left(socket, closed));
    if (!conn) return;
    this.#connections.add(socket, conn);
    if (this.#sessions.find(conn.sessionId)) return;
    const sub = typeof conn.auth?.["sub"] === "string" ? conn.auth["sub"] : undefined;
    this.#sessions.create(conn.sessionId, sub, conn.publicId);
    if (!this.#presence.user(conn.publicId)) this.#tree.users?.create(conn.publicId);
  }

  async #admit(auth: Claims | null, request: Request): Promise<void> {
    const context = { conn: undefined, auth, request, state: this.state, room: this.handle };
    const verdict = await this.turns.run(() => passes(this.compiled.definition.guards ?? [], context, undefined));
    if (verdict !== true) throw new RoomError("forbidden", "You may not enter this room");
  }

  #open(socket: Socket, who: { sessionId: string; publicId: string; auth: Claims | null }): Conn {
    const conn = Conn.open(socket, who, (closed) => this.#left(socket, closed));
    this.#connections.add(socket, conn);
    if (this.#isNew) this.#tree.saveAll();
    this.#isNew = false;
    this.#ticker?.start();
    return conn;
  }

  async #join(conn: Conn, request: Request): Promise<void> {
    const { onJoin } = this.compiled.definition;
    if (onJoin) await this.turns.run(() => onJoin({ ...this.actionContext(conn), request }));
    conn.joined();
    this.#broadcast.schedule();
  }

  #left(socket: Socket, conn: Conn): void {
    this.#connections.remove(socket, conn);
    if (this.#connections.size === 0) this.#ticker?.stop();
    if (this.#connections.isOnline(conn.publicId)) return;
    const session = this.#sessions.find(conn.sessionId);
    const user = this.#presence.user(conn.publicId);
    if (session) this.#presence.leave(session);
    this.#alarms.arm();
    const { onLeave } = this.compiled.definition;
    if (onLeave && (user || !this.#presence.hasUsers)) {
      const context = { user: user as never, conn, auth: conn.auth, state: this.state, room: this.handle };
      void this.#hook("onLeave", () => onLeave(context), conn);
    }
  }

  #tick(elapsed: number): void {
    const { tick } = this.compiled.definition;
    void this.#hook("tick", () => tick?.run({ state: this.state, room: this.handle }, elapsed));
    this.turns.end();
  }

  #unsaved(): void {
    this.#persistence.schedule();
    if (this.compiled.settings.throttleStorage === 0) this.turns.want();
  }

  #endTurn(): void {
    this.#persistence.endTurn();
    this.#broadcast.endTurn();
  }

  /** Runs a hook that must not harm anybody. @returns a promise if it is not done yet */
  #hook(name: string, run: () => unknown, conn?: Conn): Promise<unknown> | undefined {
    const fail = (error: unknown) => this.failed(`${name}_failed`, error, { conn });
    try {
      const outcome = this.turns.run(run);
      return outcome instanceof Promise ? outcome.catch(fail) : undefined;
    } catch (error) {
      fail(error);
      return undefined;
    }
  }

  #report(event: string, error: unknown, details: Record<string, unknown> = {}, conn?: Conn): void {
    const { id, party } = this.handle;
    const cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#ports.log({ level: "error", event, party, room: id, ...details, error: cause });
    const { onError } = this.compiled.definition;
    if (!onError) return;
    try {
      const outcome = this.turns.run(() => onError({ error, conn, state: this.state, room: this.handle }));
      if (outcome instanceof Promise) outcome.catch((failure: unknown) => this.#logFailure(failure));
    } catch (failure) {
      this.#logFailure(failure);
    }
  }

  #logFailure(failure: unknown): void {
    this.#ports.log({ level: "error", event: "onError_failed", room: this.handle.id, error: String(failure) });
  }
}
