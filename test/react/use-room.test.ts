import { signal } from "@signe/reactive";
import { parseHTML } from "linkedom";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { connectRoom } from "../../src/client/index.ts";
import type { RoomClient } from "../../src/client/index.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import { collection, sync } from "../../src/state/fields.ts";
import { useRoom } from "../../src/react/index.ts";
import { BrowserSocket } from "../support/browser-socket.ts";
import { testRoom } from "../support/harness.ts";
import type { ReactNode } from "react";

// React looks for a document when it is imported.
const { window, document } = parseHTML("<html><body></body></html>");
Object.assign(globalThis, { window, document, IS_REACT_ACT_ENVIRONMENT: true });
const { act, Component, createElement, StrictMode } = await import("react");
const { createRoot, hydrateRoot } = await import("react-dom/client");
const { renderToString } = await import("react-dom/server");

const room = defineRoom({
  path: "room-{id}",
  throttleSync: 0,
  throttleStorage: 0,
  state: () => ({
    count: sync(signal(0)),
    name: sync(signal("ada")),
    coins: collection(() => ({ worth: sync(signal(1)) })),
  }),
  actions: {
    add: { input: z.number(), run: ({ state }, by) => state.count.update((count) => count + by) },
    rename: { input: z.string(), run: ({ state }, name) => state.name.set(name) },
    drop: { input: z.string(), run: ({ state }, key) => void (state.coins()[key] = { worth: sync(signal(1)) }) },
  },
});
type Game = RoomClient<typeof room>;

/** The Workers types have no browser elements. */
let container: Element & { innerHTML: string; remove(): void };
let game: Game;
let ends: (() => void)[];

beforeEach(() => {
  container = document.body.appendChild(document.createElement("div"));
  ends = [];
  game = connect();
});
afterEach(async () => {
  await act(async () => ends.forEach((end) => end()));
  container.remove();
});

function connect(): Game {
  const { party, id } = testRoom(room);
  const client = connectRoom<typeof room>({
    host: "x",
    party,
    room: id,
    socket: { WebSocket: BrowserSocket, protocol: "ws" },
  });
  ends.push(() => client.close());
  return client;
}

const opens = (client: Game) =>
  act(() => new Promise<void>((resolve) => client.on("status", (status) => status === "open" && resolve())));

async function render(node: ReactNode, strict = false): Promise<(next: ReactNode) => Promise<void>> {
  const root = createRoot(container);
  const show = (next: ReactNode) => act(async () => root.render(strict ? createElement(StrictMode, null, next) : next));
  ends.unshift(() => root.unmount());
  await show(node);
  return show;
}

/** A component that shows a selected value, and records each render. */
function viewer<T>(select: (state: Game["state"]) => T, isEqual?: (a: T, b: T) => boolean) {
  const renders: (T | undefined)[] = [];
  const View = ({ client }: { client: Game }) => {
    const value = useRoom(client, select, isEqual);
    renders.push(value);
    return createElement("b", null, JSON.stringify(value) ?? "nothing");
  };
  return { View, renders };
}

describe("useRoom, with React's own renderer and a real room", () => {
  it("shows nothing before the first state, and then the selected part", async () => {
    const { View, renders } = viewer((state) => state.count);
    await render(createElement(View, { client: game }));
    expect(container.innerHTML).toBe("<b>nothing</b>");
    await opens(game);
    expect(container.innerHTML).toBe("<b>0</b>");
    await act(() => game.call("add", 2));
    expect(container.innerHTML).toBe("<b>2</b>");
    expect(renders).toEqual([undefined, 0, 2]);
  });

  it("renders only if the selected part changed", async () => {
    const { View, renders } = viewer((state) => state.name);
    await render(createElement(View, { client: game }));
    await opens(game);
    await act(() => game.call("add", 1));
    await act(() => game.call("drop", "c"));
    expect(game.state).toMatchObject({ count: 1, coins: { c: { worth: 1 } } });
    expect(renders).toEqual([undefined, "ada"]);
    await act(() => game.call("rename", "bob"));
    expect(renders).toEqual([undefined, "ada", "bob"]);
  });

  it("compares with isEqual, although each render has another selector", async () => {
    const renders: unknown[] = [];
    const sameKeys = (a: string[], b: string[]) => a.join() === b.join();
    const View = ({ at }: { at: number }) => {
      const keys = useRoom(game, (state) => Object.keys(state.coins), sameKeys);
      renders.push(keys);
      return createElement("b", null, `${at} ${keys?.join() ?? "nothing"}`);
    };
    const show = await render(createElement(View, { at: 1 }), true);
    await opens(game);
    await act(() => game.call("drop", "c"));
    expect(container.innerHTML).toBe("<b>1 c</b>");
    const before = renders.at(-1);
    const count = renders.length;
    await act(() => game.call("add", 1));
    expect(renders).toHaveLength(count);
    await show(createElement(View, { at: 2 }));
    expect(container.innerHTML).toBe("<b>2 c</b>");
    expect(renders.at(-1)).toBe(before);
  });

  it("passes what a selector throws to the error boundary, for the first state and for later ones", async () => {
    class Boundary extends Component<{ children: ReactNode }, { message?: string }> {
      override state: { message?: string } = {};
      static getDerivedStateFromError({ message }: Error) {
        return { message };
      }
      override render() {
        return this.state.message ?? this.props.children;
      }
    }
    const complaints = vi.spyOn(console, "error").mockImplementation(() => {});
    const { View } = viewer(({ count }) => {
      if (count === 0 || count === 2) throw new Error(`no ${count}`);
      return count;
    });
    const guarded = (key: string) => createElement(Boundary, { key, children: createElement(View, { client: game }) });
    const show = await render(guarded("first"));
    await opens(game);
    expect(container.innerHTML).toBe("no 0");
    await act(() => game.call("add", 1));
    await show(guarded("second"));
    expect(container.innerHTML).toBe("<b>1</b>");
    await act(() => game.call("add", 1));
    expect(container.innerHTML).toBe("no 2");
    complaints.mockRestore();
  });

  it("uses the whole state without a selector, and follows predictions", async () => {
    const View = () => {
      const state = useRoom(game);
      return createElement("b", null, state ? `${state.name} ${state.count}` : "nothing");
    };
    await render(createElement(View));
    await opens(game);
    const shown: string[] = [];
    await act(async () => {
      const done = game.optimistic("rename", "eve", (state) => ({ ...state, name: "eve" }));
      shown.push(game.state.name);
      await done;
    });
    expect(shown).toEqual(["eve"]);
    expect(container.innerHTML).toBe("<b>eve 0</b>");
  });

  it("changes with its selector and its client, and leaves nothing behind", async () => {
    const other = connect();
    const { View } = viewer((state) => state.count);
    const subscribe = game.subscribe.bind(game);
    let listeners = 0;
    vi.spyOn(game, "subscribe").mockImplementation((listener) => {
      listeners++;
      const stop = subscribe(listener);
      return () => {
        listeners--;
        stop();
      };
    });
    const show = await render(createElement(View, { client: game }));
    await opens(game);
    expect(listeners).toBe(1);
    await show(createElement(View, { client: other }));
    expect(listeners).toBe(0);
    if (other.status !== "open") await opens(other);
    await act(() => other.call("add", 5));
    expect(container.innerHTML).toBe("<b>5</b>");
    await act(() => game.call("add", 1));
    expect(container.innerHTML).toBe("<b>5</b>");
    const Field = ({ field }: { field: "count" | "name" }) =>
      createElement(
        "i",
        null,
        useRoom(other, (state) => state[field]),
      );
    await show(createElement(Field, { field: "count" }));
    await show(createElement(Field, { field: "name" }));
    expect(container.innerHTML).toBe("<i>ada</i>");
  });

  it("renders on a server, and continues in the browser", async () => {
    const { View } = viewer((state) => state.count);
    await opens(game);
    const html = renderToString(createElement(View, { client: game }));
    expect(html).toBe("<b>nothing</b>");
    container.innerHTML = html;
    const complaints = vi.spyOn(console, "error");
    await act(async () => {
      const root = hydrateRoot(container, createElement(View, { client: game }));
      ends.unshift(() => root.unmount());
    });
    expect(container.innerHTML).toBe("<b>0</b>");
    expect(complaints).not.toHaveBeenCalled();
    complaints.mockRestore();
  });
});
