// client.ts, in the browser
import { connectRoom, tabStorage } from "../../src/client/index.ts";
import type { gameRoom } from "./game-room.ts";

const game = connectRoom<typeof gameRoom>({
  host: location.host,
  room: "game-1",
  storage: "session", // where the private id is kept that says who this user is: a reload of this tab is the same one
  token: () => tabStorage.getItem("token") ?? "", // what your sign-in put there; asked for each attempt to connect
});
game.emit("move", { x: 1, y: 2 }); // nobody waits for it
const outcome = await game.call("hit", "m1").catch(({ code, message }) => `${code}: ${message}`);
const stop = game.subscribe((state) => console.log(state.players)); // called for each change; stop() ends it
game.on("closed", ({ code, reason }) => console.warn(code, reason)); // 4400 to 4499: it does not try again

export { game, outcome, stop };
