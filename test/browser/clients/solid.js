import { createSignal } from "solid-js";
import { render as mountSolid } from "solid-js/web";
import { useRoom } from "../../../src/frameworks/solid.ts";
import { connect, game, isSame, out, part, render } from "./shared.js";

const [name, setName] = createSignal("count");
const [client, setClient] = createSignal(game);
let unmount;
function Page() {
  const shown = useRoom(client, (state) => part(name())(state), isSame);
  return () => render(shown());
}
Object.assign(globalThis, {
  mount: () => (unmount = mountSolid(Page, out)),
  unmount: () => unmount(),
  pick: setName,
  enter: (room) => setClient(connect(room)),
});
