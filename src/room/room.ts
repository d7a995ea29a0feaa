import type { CompiledRoom } from "../define/room.ts";
import type { Claims, RoomAddress, RoomHandle } from "../define/types.ts";
import type { Clock } from "../platform/ports.ts";
import type { Receipt, ShardBatch } from "../relay/messages.ts";
import type { Tree } from "../state/tree.ts";
import { protocolOf } from "./admission.ts";
import { Dispatch } from "./actions/dispatch.ts";
import { answerCall } from "./actions/room-calls.ts";
import type { CallAnswer, RoomCall } from "./actions/room-calls.ts";
import { EarlySockets } from "./connections/early-sockets.ts";
import type { JoinRequest } from "./connections/join-request.ts";
import type { RoomSocket } from "./connections/remote-group.ts";
import type { RoomIdentity } from "./handle.ts";
import type { Reporter } from "./handlers/reporter.ts";
import type { RoomListing } from "./listing/report.ts";
import { answerRequest } from "./requests/requests.ts";
import { RoomParts } from "./room-parts.ts";
import type { Ports } from "./room-ports.ts";
import type { Sessions } from "./sessions/sessions.ts";

import type { Turns } from "./timing/turns.ts";
import type { RecallAnswer, TransferAnswer, TransferredUser } from "./transfers/messages.ts";
import { recoverConnection, wake } from "./wake.ts";
import type { OptionalParts } from "./optional-parts.ts";

/** One room, on any platform. Its methods are the events that it handles. */
export class RoomCore {
  readonly compiled: CompiledRoom;
  readonly clock: Clock;
  readonly turns: Turns;
  readonly tree: Tree;
  readonly sessions: Sessions;
  readonly reporter: Reporter;
  readonly #parts: RoomParts;
  #dispatch: Dispatch | undefined;
  /** Made when a join takes long for the first time. */
  #early: EarlySockets | undefined;
  /** Resolves when the room knows its clients, and `onStart` is done. Undefined if there is nothing to wait for. */
  #starting: Promise<unknown> | undefined;

  /** @throws the errors of `state()` and of restore hooks: such a room cannot run, and its data stays unchanged */
  constructor(compiled: CompiledRoom, identity: RoomIdentity, ports: Ports, options: OptionalParts) {
    const parts = new RoomParts(compiled, identity, ports, options, this);
    this.#parts = parts;
    this.compiled = compiled;
    this.clock = parts.clock;
    this.turns = parts.turns;
    this.tree = parts.tree;
    this.sessions = parts.sessions;
    this.reporter = parts.reporter;
    this.#starting = wake(parts)?.finally(() => (this.#starting = undefined));
    // Callers that await it, or the restore hooks, get the error.
    this.#starting?.catch(() => {});
  }

  /** What the room consists of, for reports to operators and for tests. @internal */
  get parts(): RoomParts {
    return this.#parts;
  }

  get state(): object {
    return this.#parts.state;
  }

  get handle(): RoomHandle {
    return this.#parts.room;
  }

  get listing(): RoomListing {
    return this.#parts.listing;
  }

  /**
   * Resolves when restore hooks are done, and rejects if they fail: then the room cannot run, and its data stays
   * unchanged. No event may be handled before that. Undefined if there is nothing to wait for. @internal
   */
  get restoring(): Promise<void> | undefined {
    return this.#parts.restoring;
  }

  /** Resolves when everything of the room is deleted. Undefined unless it is being destroyed. @internal */
  get ended(): Promise<void> | undefined {
    return this.#parts.ended;
  }

  /** Resolves when the room can handle events; undefined if it already can. @internal */
  get started(): Promise<unknown> | undefined {
    return this.#starting;
  }

  /** Stops everything that keeps the object awake, until a restart. @internal */
  rest(): void {
    this.#parts.ticker?.close();
  }

  /** A new room begins now. @returns a promise if there is something to wait for @internal */
  visit(): Promise<unknown> | undefined {
    return this.#parts.madeLifecycle?.visit();
  }

  /** Handles a new connection, or refuses it by closing its socket with a code and a reason. */
  async connect(join: JoinRequest): Promise<void> {
    if (this.#starting) await this.#starting;
    const visiting = this.visit();
    if (visiting) await visiting;
    await this.#parts.admission.connect(join);
    const waiting = this.#early?.take(join.socket) ?? [];
    for (const frame of waiting) void this.message(join.socket, frame);
  }

  /** Accepts the socket of a join that takes so long that the client would time out. Its messages wait for the join. */
  acceptEarly(join: JoinRequest): void {
    join.isEarly = true;
    this.#early ??= new EarlySockets(this.clock);
    this.#early.accept(join.socket, join.sessionId, protocolOf(join.request.url).protocol !== 1);
    this.#parts.connections.find(join.socket)?.acceptEarly();
  }

  /** Restores a client from before the room lost its memory. @param isOpen whether it got its first packet */
  recover(socket: RoomSocket, isOpen: boolean): void {
    recoverConnection(this.#parts, socket, isOpen);
  }

  /** Handles a frame of a client. @returns a promise if it is not done yet */
  message(socket: RoomSocket, frame: string | ArrayBuffer): Promise<void> | undefined {
    if (this.#early?.hold(socket, frame)) return undefined;
    const conn = this.#parts.connections.find(socket);
    return conn && (this.#dispatch ??= new Dispatch(this.#parts)).receive(conn, frame, this.#starting);
  }

  /** A socket was closed, or broke. */
  closed(socket: RoomSocket, isLost = false): void {
    this.#early?.take(socket);
    this.#parts.connections.find(socket)?.closed(isLost);
    this.#parts.flows.ended(socket);
    this.turns.end();
  }

  /** Handles an HTTP request to `path` inside of the room. @param caller the room that sent it, if a room did */
  async request(request: Request, path: string, auth: Claims | null, caller?: RoomAddress): Promise<Response> {
    return this.#during(() => answerRequest(request, path, { auth, caller }, this.#parts));
  }

  /** Another room calls an action. */
  async call(call: RoomCall): Promise<CallAnswer> {
    return this.#during(() => answerCall(this.#parts, call));
  }

  /** Handles an event with which a new room begins. */
  async #during<T>(handle: () => Promise<T>): Promise<T> {
    await this.#starting;
    await this.visit();
    const outcome = await handle();
    this.turns.end();
    return outcome;
  }

  /** The object's alarm rang. */
  async alarm(): Promise<void> {
    await this.#parts.alarms.ring(this.#starting);
    this.turns.end();
  }

  /** A shard forwards messages of its clients. */
  async relay(batch: ShardBatch): Promise<Receipt> {
    await this.#starting;
    return this.#parts.shardLinks.relay(batch);
  }

  /** Another room sends a user. */
  async board(user: TransferredUser): Promise<TransferAnswer> {
    return this.#during(() => this.#parts.transfers.board(user));
  }

  /** Another room recalls a user. */
  async recall(transferId: string, sessionId: string, isKept?: boolean): Promise<RecallAnswer> {
    await this.#starting;
    const recall = this.turns.run(() => this.#parts.transfers.recall(transferId, sessionId, isKept), "caller");
    this.turns.end();
    return recall;
  }

  /** A user who moved to another room has arrived there. */
  async arrived(transferId: string, sessionId: string, sub: string | undefined): Promise<void> {
    await this.#starting;
    this.turns.run(() => this.#parts.transfers.arrivedElsewhere(transferId, { clientId: sessionId, sub }), "caller");
    this.turns.end();
  }
}
