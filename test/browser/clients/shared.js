// What the pages of all frameworks share: a client, and counts that tests read.
import { connectRoom } from "../../../src/client/index.ts";

export const out = document.querySelector("#out");
export const counts = { renders: 0, selections: 0 };
export const connect = (room) => connectRoom({ host: location.host, room });
export const game = connect(new URLSearchParams(location.search).get("room"));

/** Selects a field. The result is a new object each time. */
export function part(name) {
  return (state) => {
    counts.selections++;
    return { value: state[name] };
  };
}

export function isSame(before, now) {
  return before.value === now.value;
}

export function render(shown) {
  counts.renders++;
  return shown ? `${shown.value}` : "nothing";
}

Object.assign(globalThis, { game, counts });
