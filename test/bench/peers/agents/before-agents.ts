import { Agent, callable, getCurrentAgent, routeAgentRequest } from "agents";
import type { Connection } from "agents";

type Player = { x: number; y: number };
type State = { players: Record<string, Player> };

export class Game extends Agent<Cloudflare.Env, State> {
  override initialState: State = { players: {} };

  override validateStateChange(_next: State, source: Connection | "server") {
    if (source !== "server") throw new Error("Clients may not set the state");
  }

  override onConnect(connection: Connection) {
    this.#set(connection.id, { x: 0, y: 0 });
  }

  override onClose(connection: Connection) {
    const { [connection.id]: _, ...players } = this.state.players;
    this.setState({ players });
  }

  @callable()
  move(x: number, y: number) {
    const { connection } = getCurrentAgent();
    if (!connection || typeof x !== "number" || typeof y !== "number") return;
    this.#set(connection.id, { x, y });
  }

  #set(id: string, player: Player) {
    this.setState({ players: { ...this.state.players, [id]: player } });
  }
}

export default {
  async fetch(request: Request, env: Cloudflare.Env) {
    return (await routeAgentRequest(request, env)) ?? new Response("Not found", { status: 404 });
  },
};
