import { signal } from "@signe/reactive";
import * as z from "zod";
import { clientFile } from "../../../src/client/client-file.ts";
import { connected, createRooms, defineRoom, sync, users } from "../../../src/index.ts";

class Player {
  online = connected();
}

/** A page that uses no bundler. */
const PAGE = `<!doctype html>
<title>A page without a bundler</title>
<output id="out"></output>
<script type="module">
  import { connectRoom, separateTabs } from "/durable-rooms.js";

  const query = new URLSearchParams(location.search);
  const storage = query.get("storage");
  const options = { host: query.get("host") ?? location.host, room: query.get("room") };
  const game = connectRoom({ ...options, storage: storage === "separate" ? separateTabs : (storage ?? undefined) });
  game.subscribe((state) => (document.querySelector("#out").textContent = state.count));
  globalThis.game = game;
</script>`;

/** The room that the pages of test/browser/clients connect to. */
const room = defineRoom({
  path: "room-{id}",
  throttleSync: 0,
  state: () => ({ count: sync(signal(0)), other: sync(signal(0)), players: users(Player) }),
  actions: {
    add: { input: z.number(), run: ({ state }, by) => (state.count.update((count) => count + by), state.count()) },
    touch: { run: ({ state }) => state.other.update((other) => other + 1) },
    sockets: { run: ({ room: { connections } }) => connections.length },
  },
});
const small = defineRoom({ path: "small-{id}", maxUsers: 1, state: () => ({ players: users(Player) }) });

const rooms = createRooms({ rooms: [room, small] });
rooms.app.get("/durable-rooms.js", clientFile);
rooms.app.get("/page", (context) => context.html(PAGE));

export class RoomObject extends rooms.RoomObject {}
export default rooms.app;
