import { get } from "svelte/store";
import { expect, it, vi } from "vitest";
import type { RoomClient } from "../../src/client/index.ts";
import type { AnyRoom } from "../../src/define/room.ts";
import { roomSignal } from "../../src/frameworks/signals.ts";
import { roomStore } from "../../src/frameworks/svelte.ts";

/** A client with a state, whose changes the test makes. */
function fakeClient() {
  const listeners = new Set<() => void>();
  const client = {
    publicId: "me",
    state: { count: 1 },
    subscribe(listener: () => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const show = (count: number) => {
    client.state = { count };
    for (const listener of listeners) listener();
  };
  return { client: client as unknown as RoomClient<AnyRoom>, show, listeners };
}

function aboveOne(state: unknown): number {
  const { count } = state as { count: number };
  if (count === 1) throw new Error("There is only one");
  return count;
}

it("a store whose selector throws for the first state reports that, and shows later states", () => {
  const { client, show, listeners } = fakeClient();
  const reported = vi.spyOn(globalThis, "queueMicrotask").mockImplementation(() => {});
  const seen: unknown[] = [];
  const store = roomStore(client, aboveOne);
  const stop = store.subscribe((count) => seen.push(count));
  expect(reported).toHaveBeenCalledOnce();
  show(2);
  expect([seen, get(store)]).toEqual([[undefined, 2], 2]);
  stop();
  expect(listeners.size).toBe(0);
  show(3);
  expect(get(store)).toBe(3);
  reported.mockRestore();
});

it("a signal whose selector throws for the first state reports that, and shows later states", () => {
  const { client, show } = fakeClient();
  const reported = vi.spyOn(globalThis, "queueMicrotask").mockImplementation(() => {});
  const count = roomSignal(client, aboveOne);
  expect([count(), reported.mock.calls.length]).toEqual([undefined, 1]);
  show(2);
  expect(count()).toBe(2);
  reported.mockRestore();
});
