import type { CompiledRoom, FindRoom } from "../define/room.ts";
import { CODES, RESTART, TRY_LATER } from "../protocol/codes.ts";
import type { Build } from "../protocol/build.ts";
import { RoomError, toRoomError } from "../protocol/errors.ts";
import { isOverQuota } from "../protocol/quota.ts";
import { parseObjectName, parseRoomUrl } from "../protocol/urls.ts";
import type { JoinRequest } from "../room/connections/join-request.ts";
import type { CallAnswer, RoomCall } from "../room/actions/room-calls.ts";
import type { RoomIdentity } from "../room/handle.ts";
import type { ListingReport } from "../room/listing/report.ts";
import { causeOf } from "../platform/log.ts";
import type { Log } from "../platform/log.ts";
import type { RoomMetrics } from "../platform/metrics.ts";
import type { ObjectReport } from "../platform/object-report.ts";
import type { Ports } from "../room/room-ports.ts";
import { RoomCore } from "../room/room.ts";
import type { Receipt, ShardBatch } from "../relay/messages.ts";
import { traced } from "../room/handlers/trace.ts";
import type { TransferAnswer, TransferredUser, RecallAnswer } from "../room/transfers/messages.ts";
import type { RoomCalls } from "./bindings.ts";
import { credentialsOf, isAnsweredLate, isUpgrade, NEW_CODE, refuse } from "./handshake.ts";
import { mortal } from "./mortal.ts";
import type { Life } from "./mortal.ts";
import { nameOf } from "./object-name.ts";
import { ObjectBase } from "./object-base.ts";
import type { Received } from "./object-base.ts";
import { reportRuntime } from "./runtime.ts";
import { createOtherRooms } from "./peers.ts";
import type { Reach } from "./peers.ts";
import { ANYWHERE } from "./places.ts";
import type { Places } from "./places.ts";
import type { OptionalParts } from "../room/optional-parts.ts";
import type { TransferParts } from "../room/transfers/user-transfers.ts";
import type { CreateWorldParts } from "./world-parts.ts";

type Found = ReturnType<FindRoom>;

const CANNOT_START = "The room cannot start";
/** The answer while a room cannot start. Usually only a new deploy helps, so clients wait for 10 seconds. */
const UNAVAILABLE: ResponseInit = { status: 503, headers: { "retry-after": "10" } };
/** How long a room that cannot start and has an alarm waits before it tries again, in ms. */
const RETRY = 3_600_000;

/** How long a room that could not be deleted waits before it tries again, in ms. */
const RETRY_END = 10_000;

/** A class of rooms, as the Worker exports it. */
export type RoomObjectClass = new (ctx: DurableObjectState, env: Cloudflare.Env) => RoomObjectBase;

/** One room as a Durable Object. It only translates the runtime's events into calls of the core. */
export class RoomObjectBase extends ObjectBase implements RoomCalls {
  #core: RoomCore | undefined;
  /** Why the room could not start at the last attempt. */
  #failure: unknown;
  /** Whether the start in the constructor failed, and the event that woke the object is not handled yet. */
  #hasFailed = false;
  /** Sockets without hibernation. */
  readonly #awakeSockets = new Set<WebSocket>();
  protected override readonly leaving =
    (globalThis as Build).process?.env?.NODE_ENV === "production"
      ? undefined
      : async (): Promise<void> => {
          this.#core?.rest();
          const saved = this.#core?.handle.flush();
          for (const ws of this.#awakeSockets) ws.close(RESTART, NEW_CODE);
          await saved;
        };

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.monitor.isPrivate = (text) => this.#core?.sessions.isPrivate(text) === true;
    this.#hasFailed = this.#tryStart() === false;
  }

  /** @internal */
  get core(): RoomCore {
    return (this.#core ??= this.#start());
  }

  protected override async answer({ request, auth, signal, caller, ...session }: Received): Promise<Response> {
    const isStarted = this.#isStarted();
    if (isStarted !== true && !(await isStarted)) return this.#refuseForNow(request);
    if (!isUpgrade(request))
      return this.core.request(request, parseRoomUrl(new URL(request.url))?.path ?? "/", auth, caller);
    const pair = new WebSocketPair();
    const socket = this.sockets.of(pair[1], (ws) => this.#accept(ws));
    const isGone = () => signal.aborted;
    const join: JoinRequest = { request, auth, ...credentialsOf(request.url), ...session, socket, isGone };
    const joining = this.core.connect(join);
    if (!join.isDone) {
      const isLate = await isAnsweredLate(joining, this.clock(), signal, () => {
        this.core.closed(socket);
      });
      if (isLate) this.core.acceptEarly(join);
    }
    return new Response(null, { status: 101, webSocket: pair[0] });
  }

  override webSocketMessage(ws: WebSocket, message: string | ArrayBuffer): Promise<void> | undefined {
    this.monitor.message(message);
    const isStarted = this.#isStarted();
    if (typeof isStarted === "boolean") return this.#handle(ws, message, isStarted);
    return isStarted.then((isRunning) => this.#handle(ws, message, isRunning));
  }

  #refuseForNow(request: Request): Response {
    if (isOverQuota(this.#failure)) return refuse(request, toRoomError(this.#failure));
    return refuse(request, new RoomError("internal", cannotStart(this.#failure)), UNAVAILABLE);
  }

  #handle(ws: WebSocket, message: string | ArrayBuffer, isRunning: boolean): Promise<void> | undefined {
    if (!isRunning) {
      ws.close(isOverQuota(this.#failure) ? TRY_LATER : CODES.internal.close, CANNOT_START);
      return undefined;
    }
    const pending = this.core.message(this.sockets.of(ws), message);
    return pending && this.monitor.awake.during("message", pending);
  }

  protected override closed(ws: WebSocket, isLost: boolean): void {
    const isStarted = this.#isStarted();
    const close = (isRunning: boolean) => isRunning && this.core.closed(this.sockets.of(ws), isLost);
    if (typeof isStarted === "boolean") close(isStarted);
    else void isStarted.then(close);
  }

  protected override async rang(): Promise<void> {
    // The alarm of a room that is being destroyed starts no new one.
    if (this.#core?.ended) return this.#core.ended;
    if (await this.#isStarted()) return this.core.alarm();
    // The runtime retries an alarm only six times. A room without a definition needs no alarm.
    if (this.#find()) this.setAlarm(this.clock().now() + RETRY);
  }

  /**
   * Whether the room runs, for an event. If it does not, the next event tries again. After a room was destroyed, a new
   * one starts.
   */
  #isStarted(): boolean | Promise<boolean> {
    const ended = this.#core?.ended;
    if (ended) return ended.then(() => this.#isStarted());
    if (this.#hasFailed) return (this.#hasFailed = false);
    const isStarted = this.#tryStart();
    if (typeof isStarted === "boolean") return isStarted;
    return isStarted.then((isRunning) => {
      this.#hasFailed = false;
      return isRunning;
    });
  }

  /**
   * Starts the core if it has not started. A failure is logged, and data stays unchanged. If a restore hook is async,
   * the runtime holds back all other events meanwhile.
   */
  #tryStart(): boolean | Promise<boolean> {
    if (this.#core) return true;
    const definition = this.#find()?.room.definition;
    if (definition?.onStorageRestore || definition?.onUserStorageRestore) {
      return this.ctx.blockConcurrencyWhile(() => this.#restore());
    }
    try {
      return this.core !== undefined;
    } catch (error) {
      return this.#failed(error);
    }
  }

  async #restore(): Promise<boolean> {
    try {
      await this.core.restoring;
      return true;
    } catch (error) {
      this.#core = undefined;
      this.#hasFailed = true;
      return this.#failed(error);
    }
  }

  #failed(error: unknown): false {
    this.#failure = error;
    this.monitor.log({ level: "error", event: "start_failed", code: "internal", error: describe(error) });
    return false;
  }

  /** Another object calls the room. @throws RoomError `internal` if the room cannot start */
  #call<T>(run: (core: RoomCore) => Promise<T>): Promise<T> {
    return this.monitor.call(async () => {
      if (await this.#isStarted()) return run(this.core);
      throw new RoomError("internal", CANNOT_START);
    });
  }

  /** A shard forwards messages of its clients. Only code with the binding can call this and the following methods. */
  async relay(batch: ShardBatch): Promise<Receipt> {
    return this.monitor.call(async () => ((await this.#isStarted()) ? this.core.relay(batch) : { verdict: "unknown" }));
  }

  /** Another room of the service sends a user. */
  async board(user: TransferredUser): Promise<TransferAnswer> {
    return this.#call((core) => core.board(user));
  }

  /** Another room of the service recalls a user. */
  async recall(transferId: string, sessionId: string, isKept?: boolean): Promise<RecallAnswer> {
    return this.#call((core) => core.recall(transferId, sessionId, isKept));
  }

  /** A user who moved to another room of the service has arrived there. */
  async arrived(transferId: string, sessionId: string, sub: string | undefined): Promise<void> {
    return this.#call((core) => core.arrived(transferId, sessionId, sub));
  }

  /** Another room of the service calls an action. */
  async call(call: RoomCall): Promise<CallAnswer> {
    return this.#call((core) => core.call(call));
  }

  /** An operator asks for metrics. This does not count as traffic of the room, though it wakes the room. */
  async metrics(): Promise<RoomMetrics> {
    const runtime = reportRuntime(this.env);
    const report = { ...this.names, connections: 0, ...this.monitor.report(), runtime };
    return (await this.#isStarted()) ? { ...report, ...this.monitor.reports?.overviewOf(this.core.parts) } : report;
  }

  /** A World asks for the listing of the room. @param isMade whether it creates the room, which then begins */
  async listed(worldId: string, isMade?: boolean): Promise<ListingReport | null> {
    return this.#call(async (core) => {
      await core.started;
      if (isMade) await core.visit();
      return core.listing.read(worldId);
    });
  }

  /** Makes the parts of a room that only some services have. */
  protected options(..._of: Parameters<CreateWorldParts>): OptionalParts {
    return {};
  }

  /** Where the service's objects are. */
  protected where(): Places {
    return ANYWHERE;
  }

  /** Finds the definition of a room. */
  protected find(_party: string, _id: string): Found {
    return undefined;
  }

  #find(): { readonly room: CompiledRoom; readonly identity: RoomIdentity } | undefined {
    const name = parseObjectName(this.name);
    const found = name && this.find(name.party, name.room);
    if (!found) return undefined;
    const identity = { id: name.room, party: name.party, params: found.params, env: this.env };
    return { room: found.room.compiled, identity };
  }

  /** The object's name: its party and its id. */
  protected get name(): string {
    return nameOf(this.ctx);
  }

  protected override get names(): { party: string; room: string } {
    const { party = "", room = "" } = parseObjectName(this.name) ?? {};
    return { party, room };
  }

  #start(): RoomCore {
    const found = this.#find();
    if (!found) throw new Error(`No room definition matches the object "${this.name}"`);
    const { room, identity } = found;
    // The counts of a destroyed room are not stored again until there is a new room.
    this.monitor.isEnded = false;
    const life: Life = { isOver: false };
    const reach: Reach = (why, call) => (life.isOver ? new Promise<never>(() => {}) : this.reach(why, call));
    const ports = mortal(this.#ports(identity, life, reach), life);
    const compiled = this.log().isVerbose ? traced(room, ports) : room;
    return new RoomCore(compiled, identity, ports, this.options(this.where(), this.env, reach));
  }

  /** If it cannot be deleted, the room finds at its next event that it was being destroyed, and continues. */
  async #delete(life: Life): Promise<void> {
    life.isOver = true;
    try {
      await this.end();
    } catch (error) {
      this.monitor.log({ level: "error", event: "destroy_failed", code: "internal", error: causeOf(error) });
      this.setAlarm(this.clock().now() + RETRY_END);
    }
    this.#core = undefined;
  }

  #ports({ party, id }: RoomIdentity, life: Life, reach: Reach): Ports {
    const { awake, storage, log } = this.monitor;
    return {
      storage,
      clock: awake.clock,
      alarm: { set: (at) => this.setAlarm(at) },
      neighbours: createOtherRooms(this.where(), this.env, { party, id }, (...room) => this.find(...room), reach),
      retire: () => this.#delete(life),
      sockets: () => this.ctx.getWebSockets().map((ws) => this.sockets.of(ws)),
      log,
    };
  }

  #accept(ws: WebSocket): "accepted" | "hibernating" {
    if (this.core.compiled.settings.hibernate) {
      this.ctx.acceptWebSocket(ws);
      return "hibernating";
    }
    this.#stayAwake(ws);
    return "accepted";
  }

  /** Without hibernation, events arrive through listeners, and the object stays in memory while the socket is open. */
  #stayAwake(ws: WebSocket): void {
    // The size of a Blob is not known immediately.
    ws.binaryType = "arraybuffer";
    ws.accept();
    this.#awakeSockets.add(ws);
    const wake = this.monitor.awake.begin("socket");
    const end = () => {
      wake();
      this.#awakeSockets.delete(ws);
    };
    ws.addEventListener("message", ({ data }) => {
      if (this.tenure.isOver) return;
      if (data === "ping") return ws.send("pong");
      const pending = this.webSocketMessage(ws, data as string | ArrayBuffer);
      if (pending) this.ctx.waitUntil(pending);
    });
    ws.addEventListener("close", ({ code, reason }) => {
      end();
      if (!this.tenure.isOver) this.webSocketClose(ws, code, reason);
    });
    ws.addEventListener("error", () => {
      end();
      if (!this.tenure.isOver) this.webSocketError(ws);
    });
  }
}

/** What clients are told about a room that cannot start. In development it includes the reason. */
function cannotStart(failure: unknown): string {
  const isDevelopment = (globalThis as Build).process?.env?.NODE_ENV === "development";
  return isDevelopment && failure instanceof Error ? `${CANNOT_START}: ${failure.message}` : CANNOT_START;
}

/** Describes an error with its causes. */
function describe(error: unknown): string {
  const isCaused = error instanceof Error && error.cause !== undefined;
  return causeOf(error) + (isCaused ? `\ncaused by ${describe(error.cause)}` : "");
}

/** The parts of the service that rooms use. */
export interface RoomServices {
  readonly log?: Log | undefined;
  /** Default: anywhere. */
  readonly places?: Places | undefined;
  readonly createWorldParts?: CreateWorldParts | undefined;
  readonly transfers?: TransferParts | undefined;
  /** Undefined in a service without operators. */
  readonly createReport?: (() => ObjectReport) | undefined;
}

/** Makes the Durable Object class of the rooms that `find` knows. */
export function createRoomObject(find: FindRoom, services: RoomServices): RoomObjectClass {
  const { log, places = ANYWHERE, createWorldParts, transfers, createReport } = services;
  return class RoomObject extends RoomObjectBase {
    protected override log(): Log {
      return log ?? super.log();
    }

    protected override where(): Places {
      return places;
    }

    protected override find(party: string, id: string): Found {
      return find(party, id);
    }

    protected override createReport(): ObjectReport | undefined {
      return createReport?.();
    }

    protected override options(...of: Parameters<CreateWorldParts>): OptionalParts {
      return { world: createWorldParts?.(...of), transfers };
    }
  };
}
