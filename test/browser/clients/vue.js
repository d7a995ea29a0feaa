import { createApp, h, ref, shallowRef } from "vue";
import { useRoom } from "../../../src/frameworks/vue.ts";
import { connect, game, isSame, out, part, render } from "./shared.js";

const name = ref("count");
const client = shallowRef(game);
const app = createApp({
  setup() {
    const shown = useRoom(client, (state) => part(name.value)(state), isSame);
    return () => h("b", render(shown.value));
  },
});
Object.assign(globalThis, {
  mount: () => app.mount(out),
  unmount: () => app.unmount(),
  pick: (next) => (name.value = next),
  enter: (room) => (client.value = connect(room)),
});
