import { effect } from "@signe/reactive";
import { roomSignal } from "../../../src/frameworks/signals.ts";
import { connect, game, isSame, out, part, render } from "./shared.js";

let name = "count";
let client = game;
let shown;
let drawing;
function mount() {
  shown = roomSignal(client, part(name), isSame);
  drawing = effect(() => void (out.textContent = render(shown())));
}
function unmount() {
  shown.stop();
  drawing.subscription.unsubscribe();
}
function change(next) {
  unmount();
  ({ name = name, client = client } = next);
  mount();
}
Object.assign(globalThis, {
  mount,
  unmount,
  pick: (next) => change({ name: next }),
  enter: (room) => change({ client: connect(room) }),
});
