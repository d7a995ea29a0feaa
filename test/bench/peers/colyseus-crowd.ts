import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Room, Server } from "@colyseus/core";
import type { Client } from "@colyseus/core";
import { $refId, schema, StateView, t } from "@colyseus/schema";
import type { SchemaType } from "@colyseus/schema";
import { WebSocketTransport } from "@colyseus/ws-transport";

/**
 * A crowd with Colyseus: each client has a `StateView` of the players within 100, found in a grid before each patch.
 */
const RADIUS = 100;
/** Players start at random positions on a map of this width. */
const MAP = 1000;
/** The factor that numbers the cells of the grid. It is more than the columns of any map here. */
const COLUMNS = 1000;

const Player = schema({ x: t.number(), y: t.number(), score: t.number() });
type Player = SchemaType<typeof Player>;
const State = schema({ players: t.map(Player).view() });

interface Watcher {
  readonly player: Player;
  readonly view: StateView;
  seen: Set<Player>;
}

class Crowd extends Room {
  override state = new State({});
  readonly #watchers = new Map<string, Watcher>();

  override onCreate(): void {
    this.onMessage("move", (client, { x, y }: { x: number; y: number }) => {
      if (!isCoordinate(x) || !isCoordinate(y)) return;
      const player = this.state.players.get(client.sessionId);
      if (player) Object.assign(player, { x, y });
    });
  }

  override onJoin(client: Client): void {
    const player = new Player({ x: somewhere(), y: somewhere(), score: 0 });
    const view = new StateView();
    client.view = view;
    this.state.players.set(client.sessionId, player);
    view.add(player);
    this.#watchers.set(client.sessionId, { player, view, seen: new Set([player]) });
    // Lets the load generator find its own player in patches without decoding them.
    client.send("you", String((player as unknown as Record<typeof $refId, number>)[$refId]));
  }

  override onLeave(client: Client): void {
    const watcher = this.#watchers.get(client.sessionId);
    this.#watchers.delete(client.sessionId);
    for (const { seen } of this.#watchers.values()) if (watcher) seen.delete(watcher.player);
    watcher?.view.dispose();
    this.state.players.delete(client.sessionId);
  }

  override onBeforePatch(): void {
    const grid = new Map<number, Player[]>();
    for (const { player } of this.#watchers.values()) {
      const cell = cellOf(player.x) * COLUMNS + cellOf(player.y);
      const there = grid.get(cell);
      if (there) there.push(player);
      else grid.set(cell, [player]);
    }
    for (const watcher of this.#watchers.values()) look(watcher, grid);
  }
}

function look(watcher: Watcher, grid: ReadonlyMap<number, readonly Player[]>): void {
  const { player, view, seen: before } = watcher;
  const seen = new Set<Player>();
  const [column, row] = [cellOf(player.x), cellOf(player.y)];
  for (let dx = -1; dx <= 1; dx++)
    for (let dy = -1; dy <= 1; dy++)
      for (const other of grid.get((column + dx) * COLUMNS + row + dy) ?? []) {
        const [x, y] = [other.x - player.x, other.y - player.y];
        if (x * x + y * y > RADIUS * RADIUS) continue;
        seen.add(other);
        if (!before.has(other)) view.add(other);
      }
  for (const other of before) if (!seen.has(other)) view.remove(other);
  watcher.seen = seen;
}

const http = createServer();
const server = new Server({ transport: new WebSocketTransport({ server: http }), greet: false });
server.define("game", Crowd).filterBy(["place"]);
await server.listen(0, "127.0.0.1");
process.send?.((http.address() as AddressInfo).port);
process.on("disconnect", () => process.exit());

function somewhere(): number {
  return Math.floor(Math.random() * MAP);
}

function cellOf(position: number): number {
  return Math.floor(position / RADIUS) + 1;
}

function isCoordinate(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && value <= 10_000;
}
