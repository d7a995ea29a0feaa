import { DurableObject } from "cloudflare:workers";
import { encodeLeft, encodeWelcome, isPosition, randomId } from "./game.ts";

/**
 * A crowd by hand: the room of a careful developer, in which players see those within 100, found in a grid. Every 50 ms
 * it goes through the players, looks into the nine cells around each, and sends the changes, the newly visible players,
 * and those that are no longer visible.
 */
const RADIUS = 100;
const WINDOW = 50;
/** Players start at random positions on a map of this width. */
const MAP = 1000;
/** The factor that numbers the cells of the grid. It is more than the columns of any map here. */
const COLUMNS = 1000;

interface Walker {
  readonly id: string;
  x: number;
  y: number;
  hasMoved: boolean;
  /** Its changes in this window, and all of its fields, as members of a JSON object. Made when they are needed. */
  change: string | undefined;
  whole: string | undefined;
  /** The players that it currently sees. */
  seen: Set<Walker>;
}

export class Room extends DurableObject {
  readonly #walkers = new Map<WebSocket, Walker>();
  readonly #waiting = new Set<WebSocket>();
  #isPlanned = false;

  override fetch(): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    const [x, y] = [Math.floor(Math.random() * MAP), Math.floor(Math.random() * MAP)];
    const id = randomId();
    const walker: Walker = { id, x, y, hasMoved: false, change: undefined, whole: undefined, seen: new Set() };
    this.#walkers.set(server, walker);
    this.#waiting.add(server);
    this.#plan();
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(ws: WebSocket, text: string): void {
    const { action, value } = JSON.parse(text) as { action: unknown; value: unknown };
    const walker = this.#walkers.get(ws);
    if (!walker || action !== "move" || !isPosition(value)) return;
    walker.x = value.x;
    walker.y = value.y;
    walker.hasMoved = true;
    this.#plan();
  }

  override webSocketClose(ws: WebSocket): void {
    const gone = this.#walkers.get(ws);
    if (!gone || !this.#walkers.delete(ws)) return;
    for (const [other, { seen }] of this.#walkers) if (seen.has(gone)) other.send(encodeLeft(gone.id));
    this.#plan();
  }

  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    setTimeout(() => {
      this.#isPlanned = false;
      this.#tell();
    }, WINDOW);
  }

  #tell(): void {
    const grid = new Map<number, Walker[]>();
    for (const walker of this.#walkers.values()) {
      const cell = cellOf(walker.x) * COLUMNS + cellOf(walker.y);
      const there = grid.get(cell);
      if (there) there.push(walker);
      else grid.set(cell, [walker]);
    }
    for (const [ws, walker] of this.#walkers) this.#tellOne(ws, walker, grid);
    this.#waiting.clear();
    for (const walker of this.#walkers.values()) {
      walker.hasMoved = false;
      walker.change = walker.whole = undefined;
    }
  }

  #tellOne(ws: WebSocket, walker: Walker, grid: ReadonlyMap<number, readonly Walker[]>): void {
    const members: string[] = [];
    const before = walker.seen;
    const seen = new Set<Walker>();
    const [column, row] = [cellOf(walker.x), cellOf(walker.y)];
    for (let dx = -1; dx <= 1; dx++)
      for (let dy = -1; dy <= 1; dy++)
        for (const other of grid.get((column + dx) * COLUMNS + row + dy) ?? []) {
          const [x, y] = [other.x - walker.x, other.y - walker.y];
          if (x * x + y * y > RADIUS * RADIUS) continue;
          seen.add(other);
          if (!before.has(other))
            members.push((other.whole ??= `"${other.id}":{"x":${other.x},"y":${other.y},"score":0}`));
          else if (other.hasMoved) members.push((other.change ??= `"${other.id}":{"x":${other.x},"y":${other.y}}`));
        }
    for (const other of before) if (!seen.has(other)) members.push(`"${other.id}":"$delete"`);
    walker.seen = seen;
    const players = `{"players":{${members.join(",")}}}`;
    if (this.#waiting.has(ws)) ws.send(encodeWelcome(walker.id, players));
    else if (members.length > 0) ws.send(`{"type":"sync","value":${players}}`);
  }
}

function cellOf(position: number): number {
  return Math.floor(position / RADIUS) + 1;
}

export default {
  fetch(request: Request, env: { readonly ROOMS: DurableObjectNamespace }): Promise<Response> {
    const room = new URL(request.url).pathname.split("/")[3] ?? "";
    return env.ROOMS.get(env.ROOMS.idFromName(room)).fetch(request);
  },
};
