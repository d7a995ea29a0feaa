import { routePartykitRequest, Server } from "partyserver";
import type { Connection } from "partyserver";

type Player = { x: number; y: number };

export class Game extends Server {
  static override options = { hibernate: true };
  players: Record<string, Player> = {};

  override async onStart() {
    this.players = (await this.ctx.storage.get<Record<string, Player>>("players")) ?? {};
  }

  override async onConnect(connection: Connection) {
    this.players[connection.id] = { x: 0, y: 0 };
    connection.send(JSON.stringify({ type: "all", players: this.players }));
    await this.changed(connection.id);
  }

  override async onMessage(connection: Connection, message: string) {
    const { x, y } = JSON.parse(message) as Player;
    if (typeof x !== "number" || typeof y !== "number") return;
    this.players[connection.id] = { x, y };
    await this.changed(connection.id);
  }

  override async onClose(connection: Connection) {
    delete this.players[connection.id];
    await this.changed(connection.id);
  }

  async changed(id: string) {
    await this.ctx.storage.put("players", this.players);
    this.broadcast(JSON.stringify({ type: "changed", id, player: this.players[id] ?? null }));
  }
}

export default {
  async fetch(request: Request, env: Cloudflare.Env) {
    return (await routePartykitRequest(request, env)) ?? new Response("Not found", { status: 404 });
  },
};
