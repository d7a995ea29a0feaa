import { Room } from "@colyseus/core";
import type { Client } from "@colyseus/core";
import { schema, t } from "@colyseus/schema";

const Player = schema({ x: t.number(), y: t.number() });
const State = schema({ players: t.map(Player) });

export class Game extends Room {
  override maxClients = 4;
  override state = new State();

  override onCreate() {
    this.onMessage("move", (client, { x, y }: { x: number; y: number }) => {
      if (typeof x !== "number" || typeof y !== "number") return;
      const player = this.state.players.get(client.sessionId);
      if (player) Object.assign(player, { x, y });
    });
  }

  override onJoin(client: Client) {
    this.state.players.set(client.sessionId, new Player({ x: 0, y: 0 }));
  }

  override onDrop(client: Client) {
    this.allowReconnection(client, 60);
  }

  override onLeave(client: Client) {
    this.state.players.delete(client.sessionId);
  }
}
