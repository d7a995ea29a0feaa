import type { CompiledRoom } from "../define/room.ts";
import type { Claims, RoomAddress, RoomHandle } from "../define/types.ts";
import type { Clock } from "../platform/ports.ts";
import type { Overview } from "../platform/metrics.ts";
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

/** One room, on any platform: its methods are the events that can happen to it. */
export class RoomCore {
  readonly compiled: CompiledRoom;
  readonly clock: Clock;
  readonly turns: Turns;
  readonly tree: Tree;
  readonly sessions: Sessions;
  readonly reporter: Reporter;
  readonly #parts: RoomParts;
  #dispatch: Dispatch | undefined;
  /** Created when a join takes long for the first time. */
  #early: EarlySockets | undefined;
  /** Resolves when the room knows its clients, and `onStart` is done; undefined if there is nothing to wait for. */
  #starting: Promise<unknown> | undefined;

  /** @throws whatever `state()` or a restore hook throws: such a room cannot run, and its data stays as it is */
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
    // Whoever waits for it, or for the restore hooks, gets the error.
    this.#starting?.catch(() => {});
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
   * Resolves when restore hooks are done, and rejects if they fail: then the room cannot run, and its data stays as it
   * is. Until then no event may come in. Undefined if there is nothing to wait for. @internal
   */
  get restoring(): Promise<void> | undefined {
    return this.#parts.restoring;
  }

  /** Resolves when nothing is left of the room; undefined unless it is being destroyed. @internal */
  get ended(): Promise<void> | undefined {
    return this.#parts.ended;
  }

  /** Resolves when the room can handle events; undefined if it already can. @internal */
  get started(): Promise<unknown> | undefined {
    return this.#starting;
  }

  /** Whether shards have acknowledged everything that they were sent. @internal */
  get isAcknowledged(): boolean {
    return this.#parts.shardLinks.isAcknowledged;
  }

  /** Stops what keeps the object awake, until a restart. @internal */
  rest(): void {
    this.#parts.ticker?.close();
  }

  /** Somebody comes: a room that is new begins. @returns a promise if there is something to wait for @internal */
  visit(): Promise<unknown> | undefined {
    return this.#parts.madeLifecycle?.visit();
  }

  /** Lets a client in, or refuses it: then its socket is closed with a code and a reason. */
  async connect(join: JoinRequest): Promise<void> {
    if (this.#starting) await this.#starting;
    const visiting = this.visit();
    if (visiting) await visiting;
    await this.#parts.admission.connect(join);
    const waiting = this.#early?.take(join.socket) ?? [];
    for (const frame of waiting) void this.message(join.socket, frame);
  }

  /** Accepts the socket of a join that takes so long that the client would give up. Its messages wait for the join. */
  acceptEarly(join: JoinRequest): void {
    join.isEarly = true;
    this.#early ??= new EarlySockets(this.clock);
    this.#early.accept(join.socket, join.sessionId, protocolOf(join.request.url).protocol !== 1);
    this.#parts.connections.find(join.socket)?.acceptEarly();
  }

  /** Restores a client that was here before the room lost its memory. @param isOpen whether it got its first packet */
  recover(socket: RoomSocket, isOpen: boolean): void {
    recoverConnection(this.#parts, socket, isOpen);
  }

  /** A client of a shard is to be sent what it missed. @param seq the number of the last packet that it was sent */
  missed(socket: RoomSocket, seq: number): void {
    const conn = this.#parts.connections.find(socket);
    if (conn?.phase !== "open" || conn.hasLeft) return;
    conn.seq = seq;
    this.#parts.broadcast.catchUp(conn);
  }

  /** A frame of a client. @returns a promise if it is not handled yet */
  message(socket: RoomSocket, frame: string | ArrayBuffer): Promise<void> | undefined {
    if (this.#early?.hold(socket, frame)) return undefined;
    const conn = this.#parts.connections.find(socket);
    return conn && (this.#dispatch ??= new Dispatch(this.#parts)).receive(conn, frame, this.#starting);
  }

  /** A socket closed, or broke. */
  closed(socket: RoomSocket, isLost = false): void {
    this.#early?.take(socket);
    this.#parts.connections.find(socket)?.closed(isLost);
    this.#parts.flows.ended(socket);
    this.turns.end();
  }

  /** An HTTP request for `path` inside the room. @param caller the room that it comes from, if it comes from one */
  async request(request: Request, path: string, auth: Claims | null, caller?: RoomAddress): Promise<Response> {
    await this.#starting;
    await this.visit();
    const response = await answerRequest(request, path, { auth, caller }, this.#parts);
    this.turns.end();
    return response;
  }

  /** Another room calls an action. */
  async call(call: RoomCall): Promise<CallAnswer> {
    await this.#starting;
    await this.visit();
    const answer = await answerCall(this.#parts, call);
    this.turns.end();
    return answer;
  }

  /** The object's alarm rang. */
  async alarm(): Promise<void> {
    await this.#parts.alarms.ring(this.#starting);
    this.turns.end();
  }

  /** A shard passes on messages of its clients. */
  async relay(batch: ShardBatch): Promise<Receipt> {
    await this.#starting;
    return this.#parts.shardLinks.relay(batch);
  }

  /** Another room sends a user. */
  async board(user: TransferredUser): Promise<TransferAnswer> {
    await this.#starting;
    await this.visit();
    const answer = await this.#parts.transfers.board(user);
    this.turns.end();
    return answer;
  }

  /** Another room calls a user back. */
  async recall(transferId: string, sessionId: string, isKept?: boolean): Promise<RecallAnswer> {
    await this.#starting;
    const recall = this.turns.run(() => this.#parts.transfers.recall(transferId, sessionId, isKept), "caller");
    this.turns.end();
    return recall;
  }

  /** A user who went to another room has arrived there. */
  async arrived(transferId: string, sessionId: string, sub: string | undefined): Promise<void> {
    await this.#starting;
    this.turns.run(() => this.#parts.transfers.arrivedElsewhere(transferId, { clientId: sessionId, sub }), "caller");
    this.turns.end();
  }

  /** Who is in the room. Payloads of schedules are left out, since not everyone who may see numbers may see them. */
  get overview(): Overview {
    const { connections, sessions, schedules, shardLinks } = this.#parts;
    return {
      connections: connections.size,
      users: connections.userCount,
      sessions: [...sessions.all()].length,
      schedules: schedules.list().map(({ name, at }) => ({ name, at })),
      ...this.#parts.flows.report,
      shards: Array.from(shardLinks.all(), ({ shardId: id, size }) => ({ id, connections: size })),
    };
  }
}
