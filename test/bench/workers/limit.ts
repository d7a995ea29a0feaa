import { DurableObject } from "cloudflare:workers";

/**
 * (a) and (a50): what a careful developer would write by hand for this one game, and nothing more. It parses,
 * updates a plain object, encodes once and sends to all; (a50) merges what happens within 50 ms. So it is the limit
 * that a library can come near to. Who plays is kept in storage, one row for each player, written once a second.
 */
interface Player {
  x: number;
  y: number;
  score: number;
}
type Patch = Record<string, Partial<Player>>;
interface Env {
  readonly ROOMS: DurableObjectNamespace;
}

const STORE_AFTER = 1000;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

export class Room extends DurableObject<Env> {
  readonly #players = new Map<string, Player>();
  readonly #ids = new Map<WebSocket, string>();
  readonly #window: number;
  #round = 0;
  #last = "";
  readonly #unsaved = new Set<string>();
  #saving = false;
  /** (a50): what changed in this window, and who waits for a first packet. */
  #patch: Patch = {};
  #rest: { round?: number; last?: string } = {};
  #waiting: WebSocket[] = [];
  #flushing = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#window = ctx.id.name?.startsWith("50-") ? 50 : 0;
    for (const [key, player] of ctx.storage.kv.list<Player>({ prefix: "p:" })) this.#players.set(key.slice(2), player);
    for (const ws of ctx.getWebSockets()) this.#ids.set(ws, ws.deserializeAttachment() as string);
  }

  override fetch(): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    const id = randomId();
    const player = { x: 0, y: 0, score: 0 };
    this.#players.set(id, player);
    this.ctx.acceptWebSocket(server);
    server.serializeAttachment(id);
    this.#ids.set(server, id);
    this.#waiting.push(server);
    this.#changed(id, player);
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(ws: WebSocket, text: string): void {
    const { action, value } = JSON.parse(text) as { action: string; value: unknown };
    const id = this.#ids.get(ws) as string;
    const player = this.#players.get(id) as Player;
    if (action === "move" && isPosition(value)) {
      player.x = value.x;
      player.y = value.y;
      this.#changed(id, { x: value.x, y: value.y });
    } else if (action === "five" && isPosition(value)) {
      player.x = value.x;
      player.y = value.y;
      player.score += 1;
      this.#round += 1;
      this.#last = id;
      this.#changed(id, { x: value.x, y: value.y, score: player.score }, { round: this.#round, last: id });
    } else if (action === "seed" && typeof value === "number") this.#seed(value);
  }

  override webSocketClose(ws: WebSocket): void {
    const id = this.#ids.get(ws);
    this.#ids.delete(ws);
    this.#sendToAll(`{"type":"user_disconnected","value":{"publicId":"${id}"}}`);
  }

  #seed(count: number): void {
    const added: Patch = {};
    for (let index = 0; index < count; index++) {
      const id = `bot-${String(index).padStart(8, "0")}`;
      const player = { x: index % 1000, y: 0, score: 0 };
      this.#players.set(id, player);
      this.#unsaved.add(id);
      added[id] = player;
    }
    this.#saveLater();
    this.#sendToAll(encode({ players: added }));
  }

  #changed(id: string, change: Partial<Player>, rest?: { round: number; last: string }): void {
    this.#unsaved.add(id);
    this.#saveLater();
    if (this.#window === 0) {
      this.#sendToAll(encode({ ...rest, players: { [id]: change } }));
      this.#welcome();
      return;
    }
    this.#patch[id] = { ...this.#patch[id], ...change };
    if (rest) this.#rest = rest;
    if (this.#flushing) return;
    this.#flushing = true;
    setTimeout(() => this.#flush(), this.#window);
  }

  #flush(): void {
    this.#flushing = false;
    this.#sendToAll(encode({ ...this.#rest, players: this.#patch }));
    this.#patch = {};
    this.#rest = {};
    this.#welcome();
  }

  /** Those who wait for a first packet get the whole state, encoded once. */
  #welcome(): void {
    if (this.#waiting.length === 0) return;
    const state = JSON.stringify({
      round: this.#round,
      last: this.#last,
      players: Object.fromEntries(this.#players),
    }).slice(1);
    for (const ws of this.#waiting) ws.send(`{"type":"sync","value":{"pId":"${this.#ids.get(ws)}",${state}}`);
    this.#waiting = [];
  }

  #sendToAll(text: string): void {
    for (const ws of this.#ids.keys()) if (!this.#waiting.includes(ws)) ws.send(text);
  }

  #saveLater(): void {
    if (this.#saving) return;
    this.#saving = true;
    setTimeout(() => {
      this.#saving = false;
      for (const id of this.#unsaved) this.ctx.storage.kv.put(`p:${id}`, this.#players.get(id));
      this.#unsaved.clear();
    }, STORE_AFTER);
  }
}

export default {
  fetch(request: Request, env: Env): Promise<Response> {
    const room = new URL(request.url).pathname.split("/")[3] ?? "";
    return env.ROOMS.get(env.ROOMS.idFromName(room)).fetch(request);
  },
};

function isPosition(value: unknown): value is { x: number; y: number } {
  const { x, y } = value as { x: unknown; y: unknown };
  return isCoordinate(x) && isCoordinate(y);
}

function isCoordinate(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && value <= 1000;
}

function encode(value: object): string {
  return `{"type":"sync","value":${JSON.stringify(value)}}`;
}

function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => ALPHABET[byte % ALPHABET.length]).join("");
}
