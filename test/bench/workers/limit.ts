import { DurableObject } from "cloudflare:workers";
import { encode, encodeLeft, encodeWelcome, Game, randomId } from "./game.ts";
import type { Change } from "./game.ts";
import { Frames } from "./limit-frames.ts";

/**
 * (a) and (a50): what a careful developer would write by hand for this one game, and nothing more. It parses, updates a
 * plain object, encodes once and sends the result to all clients. (a50) merges the changes of 50 ms. So it is the limit
 * that a library can approach.
 */
interface Env {
  readonly ROOMS: DurableObjectNamespace;
}

export class Room extends DurableObject<Env> {
  readonly #game: Game;
  readonly #window: number;
  /** The ids of clients that have received their first packet. */
  readonly #ids = new Map<WebSocket, string>();
  readonly #waiting = new Map<WebSocket, string>();
  /** The changes of this window. */
  #pending: Change | undefined;
  /** Set if clients use the binary protocol. */
  #frames: Frames | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#game = new Game(ctx.storage);
    this.#window = ctx.id.name?.startsWith("50-") ? 50 : 0;
    for (const ws of ctx.getWebSockets()) this.#ids.set(ws, ws.deserializeAttachment() as string);
  }

  override fetch(request: Request): Response {
    if (request.url.includes("protocol=3")) this.#frames ??= new Frames();
    const { 0: client, 1: server } = new WebSocketPair();
    const id = randomId();
    this.ctx.acceptWebSocket(server);
    server.serializeAttachment(id);
    this.#waiting.set(server, id);
    this.#changed(this.#game.enter(id));
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(ws: WebSocket, text: string): void {
    const id = this.#ids.get(ws);
    const change = id === undefined ? undefined : this.#game.act(id, text);
    if (change) this.#changed(change);
  }

  override webSocketClose(ws: WebSocket): void {
    const id = this.#ids.get(ws) ?? "";
    this.#ids.delete(ws);
    this.#sendToAll(encodeLeft(id));
  }

  #changed(change: Change): void {
    if (this.#window === 0) this.#tell(change);
    else if (this.#pending) this.#pending = merge(this.#pending, change);
    else {
      this.#pending = merge({ players: {} }, change);
      setTimeout(() => {
        if (this.#pending) this.#tell(this.#pending);
        this.#pending = undefined;
      }, this.#window);
    }
  }

  #tell(change: Change): void {
    this.#sendToAll(this.#frames?.encode(change) ?? encode(change));
    if (this.#waiting.size === 0) return;
    const state = this.#game.state();
    for (const [ws, id] of this.#waiting) {
      ws.send(encodeWelcome(id, state));
      this.#ids.set(ws, id);
    }
    this.#waiting.clear();
  }

  #sendToAll(frame: string | Uint8Array): void {
    for (const ws of this.#ids.keys()) ws.send(frame);
  }
}

export default {
  fetch(request: Request, env: Env): Promise<Response> {
    const room = new URL(request.url).pathname.split("/")[3] ?? "";
    return env.ROOMS.get(env.ROOMS.idFromName(room)).fetch(request);
  },
};

/** Merges two changes. The first one is reused, and may be modified. */
function merge(into: Change, change: Change): Change {
  const players = into.players as Record<string, object>;
  for (const [id, fields] of Object.entries(change.players)) {
    const known = players[id];
    if (known) Object.assign(known, fields);
    else players[id] = { ...fields };
  }
  return { ...into, ...change, players };
}
