import { DurableObject } from "cloudflare:workers";
import { receiveRequest } from "../auth/internal.ts";
import type { FindRoom } from "../define/room.ts";
import { CODES } from "../protocol/codes.ts";
import { RoomError } from "../protocol/errors.ts";
import { isRoomId, parseObjectName, parseRoomUrl } from "../protocol/urls.ts";
import type { ListingReport } from "../room/listing-report.ts";
import type { Clock, Ports, Socket } from "../room/ports.ts";
import { RoomCore } from "../room/room.ts";
import type { Receipt, ShardBatch } from "../room/relay.ts";
import type { Boarding, Passenger, Recall } from "../room/transfer.ts";
import { answerClose, credentialsOf } from "./handshake.ts";
import { log } from "./log.ts";
import { createNeighbours } from "./neighbours.ts";
import { nameOf, rememberName } from "./object-name.ts";
import { kvStorage, realClock } from "./platform.ts";
import { isUpgrade, refuse } from "./refuse.ts";
import { createShards } from "./shards.ts";
import { Sockets } from "./sockets.ts";
import { createWorlds } from "./worlds.ts";

type Found = ReturnType<FindRoom>;

/** One room. It only turns the runtime's events into calls of the core. */
export class RoomObjectBase extends DurableObject {
  readonly #sockets = new Sockets();
  #core: RoomCore | undefined;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    this.#tryStart();
  }

  /** @internal */
  get core(): RoomCore {
    return (this.#core ??= this.#start());
  }

  override async fetch(incoming: Request): Promise<Response> {
    const { request, auth } = receiveRequest(incoming);
    if (!this.#tryStart()) return refuse(request, new RoomError("internal", "The room cannot start"));
    if (!isUpgrade(request)) return this.core.request(request, parseRoomUrl(new URL(request.url))?.path ?? "/", auth);
    const pair = new WebSocketPair();
    await this.core.connect({
      request,
      auth,
      ...credentialsOf(request.url),
      accept: () => this.#accept(pair[1]),
    });
    return new Response(null, { status: 101, webSocket: pair[0] });
  }

  override webSocketMessage(ws: WebSocket, message: string | ArrayBuffer): Promise<void> | undefined {
    if (this.#tryStart()) return this.core.message(this.#sockets.of(ws), message);
    ws.close(CODES.internal.close, "The room cannot start");
    return undefined;
  }

  override webSocketClose(ws: WebSocket, code: number, reason: string): void {
    answerClose(ws, code, reason);
    if (this.#tryStart()) this.core.closed(this.#sockets.of(ws));
  }

  override webSocketError(ws: WebSocket): void {
    if (this.#tryStart()) this.core.closed(this.#sockets.of(ws));
  }

  override async alarm(): Promise<void> {
    // Throws if the room cannot start, so that the runtime rings again.
    await this.core.alarm();
  }

  /** A room that cannot start says so at each event, keeps its data, and is tried again at the next. */
  #tryStart(): boolean {
    try {
      return this.core !== undefined;
    } catch (error) {
      const cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
      log({ level: "error", event: "start_failed", object: this.ctx.id.name, error: cause });
      return false;
    }
  }

  /** A shard passes on what its clients sent. Only code with the binding can call this, and what follows. */
  async relay(batch: ShardBatch): Promise<Receipt> {
    return this.#tryStart() ? this.core.relay(batch) : { verdict: "unknown" };
  }

  /** Another room of the service sends a user. */
  async board(passenger: Passenger): Promise<Boarding> {
    return this.core.board(passenger);
  }

  /** Another room of the service calls a user back. */
  async recall(transferId: string, sessionId: string): Promise<Recall> {
    return this.core.recall(transferId, sessionId);
  }

  /** A World asks what it is to say of the room. */
  async listed(worldId: string): Promise<ListingReport | null> {
    await this.core.started;
    return this.core.listing.read(worldId);
  }

  /** Finds the definition of a room. */
  protected find(_party: string, _id: string): Found {
    return undefined;
  }

  /** The room's clock. */
  protected clock(): Clock {
    return realClock;
  }

  /** Sets the object's alarm, by the room's clock. */
  protected setAlarm(at: number): void {
    rememberName(this.ctx);
    void this.ctx.storage.setAlarm(at);
  }

  #start(): RoomCore {
    const name = parseObjectName(nameOf(this.ctx));
    const found = name && this.find(name.party, name.room);
    if (!found) throw new Error(`No room definition matches the object "${nameOf(this.ctx)}"`);
    const identity = { id: name.room, party: name.party, params: found.params, env: this.env };
    return new RoomCore(found.room.compiled, identity, this.#ports(name.party));
  }

  #ports(party: string): Ports {
    return {
      storage: kvStorage(this.ctx.storage),
      clock: this.clock(),
      alarm: { set: (at) => this.setAlarm(at) },
      shards: createShards(this.env),
      worlds: createWorlds(this.env),
      neighbours: createNeighbours(this.env, party, (id) => isRoomId(id) && this.find(party, id) !== undefined),
      sockets: () => this.ctx.getWebSockets().map((ws) => this.#sockets.of(ws)),
      log,
    };
  }

  #accept(ws: WebSocket): Socket {
    const socket = this.#sockets.of(ws);
    if (this.core.compiled.settings.hibernate) this.ctx.acceptWebSocket(ws);
    else this.#stayAwake(ws, socket);
    return socket;
  }

  /** Without hibernation events come through listeners, and the object stays in memory while they are there. */
  #stayAwake(ws: WebSocket, socket: Socket): void {
    ws.accept();
    ws.addEventListener("message", ({ data }) => {
      if (data === "ping") ws.send("pong");
      else this.ctx.waitUntil(Promise.resolve(this.core.message(socket, data as string | ArrayBuffer)));
    });
    ws.addEventListener("close", ({ code, reason }) => this.webSocketClose(ws, code, reason));
    ws.addEventListener("error", () => this.webSocketError(ws));
  }
}

/** Makes the Durable Object class that runs the rooms that `find` knows. */
export function createRoomObject(find: FindRoom): new (ctx: DurableObjectState, env: Cloudflare.Env) => RoomObjectBase {
  return class RoomObject extends RoomObjectBase {
    protected override find(party: string, id: string): Found {
      return find(party, id);
    }
  };
}
