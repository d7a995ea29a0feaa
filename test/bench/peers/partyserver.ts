import { routePartykitRequest, Server } from "partyserver";
import type { Connection } from "partyserver";
import { encode, encodeLeft, encodeWelcome, Game, randomId } from "../workers/game.ts";

/**
 * (d): `partyserver`, which routes sockets to rooms and leaves the state to its users. It uses the game class of (a).
 */
interface Env {
  readonly MAIN: DurableObjectNamespace<Room>;
}

export class Room extends Server<Env> {
  static override options = { hibernate: true };
  readonly #game = new Game(this.ctx.storage);

  override onConnect(connection: Connection<string>): void {
    const id = randomId();
    connection.setState(id);
    this.broadcast(encode(this.#game.enter(id)), [connection.id]);
    connection.send(encodeWelcome(id, this.#game.state()));
  }

  override onMessage(connection: Connection<string>, message: string): void {
    const change = this.#game.act(connection.state as string, message);
    if (change) this.broadcast(encode(change));
  }

  override onClose(connection: Connection<string>): void {
    this.broadcast(encodeLeft(connection.state as string), [connection.id]);
  }
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    return (await routePartykitRequest(request, env)) ?? new Response("Not found", { status: 404 });
  },
};
