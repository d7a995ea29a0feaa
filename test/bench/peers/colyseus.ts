import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Room, Server } from "@colyseus/core";
import type { Client } from "@colyseus/core";
import { $refId, schema, t } from "@colyseus/schema";
import type { SchemaType } from "@colyseus/schema";
import { WebSocketTransport } from "@colyseus/ws-transport";

/** (e): Colyseus on Node, with its default of a patch every 50 ms. It stores nothing. */
const Player = schema({ x: t.number(), y: t.number(), score: t.number() });
type Player = SchemaType<typeof Player>;
const State = schema({ round: t.number(), last: t.string(), players: t.map(Player) });

class Game extends Room {
  override state = new State({ round: 0, last: "" });

  override onCreate(): void {
    this.onMessage("move", (client, { x, y }: { x: number; y: number }) => {
      if (!isCoordinate(x) || !isCoordinate(y)) return;
      const player = this.state.players.get(client.sessionId);
      if (player) Object.assign(player, { x, y });
    });
  }

  override onJoin(client: Client): void {
    const player = new Player({ x: 0, y: 0, score: 0 });
    this.state.players.set(client.sessionId, player);
    // Lets the load generator find its own player in patches without decoding them.
    client.send("you", String((player as unknown as Record<typeof $refId, number>)[$refId]));
  }

  override onLeave(client: Client): void {
    this.state.players.delete(client.sessionId);
  }
}

const http = createServer();
const server = new Server({
  transport: new WebSocketTransport({ server: http, perMessageDeflate: process.argv.includes("--compress") }),
  greet: false,
});
server.define("game", Game).filterBy(["place"]);
await server.listen(0, "127.0.0.1");
process.send?.((http.address() as AddressInfo).port);
process.on("disconnect", () => process.exit());

function isCoordinate(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && value <= 1000;
}
