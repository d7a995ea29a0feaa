import { signal } from "@signe/reactive";
import { Action, Room, Server } from "@signe/room";
import { createCloudflareRoomWorker, SigneRoomDurableObject } from "@signe/room/cloudflare";
import { sync, users } from "@signe/sync";
// Its types need its own version of zod.
import { z } from "./node_modules/@signe/room/node_modules/zod/index.js";

/** (c) and (c50): `@signe/room` with its Cloudflare adapter and hibernation, as its README describes. */
export { SigneRoomDurableObject as Room };

class Player {
  @sync() x = signal(0);
  @sync() y = signal(0);
  @sync() score = signal(0);
}
interface Position {
  x: number;
  y: number;
}
// This zod and the zod that `@signe/room` was compiled with are different modules to TypeScript.
type Schema = Parameters<typeof Action>[1];
const position = z.object({ x: z.number().min(0).max(1000), y: z.number().min(0).max(1000) }) as unknown as Schema;

class Game {
  @sync() round = signal(0);
  @sync() last = signal("");
  @users(Player) players = signal<Record<string, Player>>({});

  @Action("move", position)
  move(player: Player, { x, y }: Position): void {
    player.x.set(x);
    player.y.set(y);
  }

  @Action("five", position)
  five(player: Player, { x, y }: Position): void {
    player.x.set(x);
    player.y.set(y);
    player.score.update((score) => score + 1);
    this.round.update((round) => round + 1);
    this.last.set(String(x));
  }

  @Action("seed", z.number())
  seed(_player: Player, count: number): void {
    for (let index = 0; index < count; index++) {
      const bot = new Player();
      this.players()[`bot-${String(index).padStart(8, "0")}`] = bot;
      bot.x.set(index % 1000);
    }
  }
}

/** With its default settings, which send and store every change at once. */
@Room({ path: "0-{id}" })
class GameAtOnce extends Game {}

@Room({ path: "50-{id}", throttleSync: 50, throttleStorage: 1000 })
class Game50 extends Game {}

class GameServer extends Server {
  override rooms = [GameAtOnce, Game50];
}

export default createCloudflareRoomWorker(GameServer, { binding: "ROOMS", webSocketMode: "hibernate" });
