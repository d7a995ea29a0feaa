import { signal } from "@signe/reactive";
import { parseHTML } from "linkedom";
import type { ReactNode } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { RoomError } from "../../src/protocol/errors.ts";
import type { RoomClient } from "../../src/client/index.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import { useRoom, useRoomClient } from "../../src/react/index.ts";
import type { RoomClientOptions } from "../../src/react/index.ts";
import { sync } from "../../src/state/fields.ts";
import { BrowserSocket } from "../support/browser-socket.ts";
import { testRoom } from "../support/harness.ts";

// React looks for a document when it is imported.
const { window, document } = parseHTML("<html><body></body></html>");
Object.assign(globalThis, { window, document, IS_REACT_ACT_ENVIRONMENT: true });
const { act, createElement, Fragment, StrictMode } = await import("react");
const { createRoot, hydrateRoot } = await import("react-dom/client");
const { renderToString } = await import("react-dom/server");

const room = defineRoom({
  path: "room-{id}",
  throttleSync: 0,
  throttleStorage: 0,
  state: () => ({ count: sync(signal(0)) }),
  actions: { add: { input: z.number(), run: ({ state }, by) => state.count.update((count) => count + by) } },
  onJoin({ request }) {
    if (request.url.includes("transferToken=bad")) throw new RoomError("forbidden", "Not you");
  },
});
type Game = RoomClient<typeof room>;
type Options = RoomClientOptions;

/** The sockets in the order in which they were opened. */
let sockets: Socket[];
class Socket extends BrowserSocket {
  readonly url: string;
  constructor(url: string) {
    super(url);
    this.url = url;
    sockets.push(this);
  }
}
const open = () => sockets.filter(({ readyState }) => readyState <= BrowserSocket.OPEN);

let container: Element & { innerHTML: string; remove(): void };
let root: ReturnType<typeof createRoot>;
let complaints: ReturnType<typeof vi.spyOn>;
let options: Options;

beforeEach(() => {
  sockets = [];
  complaints = vi.spyOn(console, "error");
  container = document.body.appendChild(document.createElement("div"));
  root = createRoot(container);
  options = optionsOf();
});
afterEach(async () => {
  await act(async () => root.unmount());
  container.remove();
  expect(complaints).not.toHaveBeenCalled();
  complaints.mockRestore();
});

function optionsOf(): Options {
  const { party, id } = testRoom(room);
  return { host: "x", party, room: id, socket: { WebSocket: Socket, protocol: "ws" } };
}
const show = (node: ReactNode) => act(async () => root.render(node));
/** Waits until the page shows this HTML. */
const until = (html: string) => act(() => vi.waitFor(() => expect(container.innerHTML).toBe(html)));

const seen: (Game | undefined)[] = [];
function Count({ of }: { of: Options }) {
  const { client, status } = useRoomClient<typeof room>(of);
  seen.push(client);
  const count = useRoom(client, (state) => state.count);
  return createElement("b", null, `${status} ${count ?? "nothing"}`);
}

describe("useRoomClient", () => {
  it("connects, shows its status, and closes when the component is unmounted", async () => {
    await show(createElement(Count, { of: options }));
    await until("<b>open 0</b>");
    await act(() => seen.at(-1)?.call("add", 2) ?? Promise.resolve(0));
    expect(container.innerHTML).toBe("<b>open 2</b>");
    expect(sockets).toHaveLength(1);
    await show(null);
    await vi.waitFor(() => expect(open()).toEqual([]));
    expect(seen.at(-1)?.status).toBe("closed");
  });

  it("opens one socket in StrictMode, and leaves none", async () => {
    await show(createElement(StrictMode, null, createElement(Count, { of: options })));
    await until("<b>open 0</b>");
    expect(sockets).toHaveLength(1);
    await show(null);
    await vi.waitFor(() => expect(open()).toEqual([]));
    expect(sockets).toHaveLength(1);
  });

  it("gives all components with the same options one client, until the last is unmounted", async () => {
    const counts = (...keys: string[]) =>
      createElement(Fragment, null, ...keys.map((key) => createElement(Count, { key, of: { ...options } })));
    await show(counts("a", "b"));
    await until("<b>open 0</b><b>open 0</b>");
    await show(counts("b", "c"));
    expect(container.innerHTML).toBe("<b>open 0</b><b>open 0</b>");
    expect(sockets).toHaveLength(1);
    await show(counts("c"));
    // A component that replaces the other one continues to use its connection.
    await show(counts("d"));
    expect(container.innerHTML).toBe("<b>open 0</b>");
    await act(() => seen.at(-1)?.call("add", 1) ?? Promise.resolve(0));
    expect(container.innerHTML).toBe("<b>open 1</b>");
    expect([open().length, sockets.length]).toEqual([1, 1]);
  });

  it("connects to another room with its options, but not for other functions and objects with the same meaning", async () => {
    const tokens: string[] = [];
    const withToken = (of: Options, token: string): Options => ({
      ...of,
      token: () => {
        tokens.push(token);
        return "";
      },
    });
    await show(createElement(Count, { of: withToken(options, "one") }));
    await until("<b>open 0</b>");
    await show(createElement(Count, { of: withToken(options, "two") }));
    expect(sockets).toHaveLength(1);
    // When the connection breaks, the client calls the latest function.
    await act(async () => sockets[0]?.close());
    await act(() => vi.waitFor(() => expect(tokens).toEqual(["one", "two"]), 5000));
    const other = withToken(optionsOf(), "three");
    await show(createElement(Count, { of: other }));
    await until("<b>open 0</b>");
    expect(sockets.at(-1)?.url).toContain(String(other.room));
    await vi.waitFor(() => expect(open()).toHaveLength(1));
  });

  it("calls the functions of a component that is mounted, also if the one that connected is not", async () => {
    const tokens: string[] = [];
    const counts = (tokenOf: Record<string, string>) =>
      Object.entries(tokenOf).map(([key, token]) => {
        const socket = { ...options.socket, minReconnectionDelay: 1 };
        return createElement(Count, {
          key,
          of: { ...options, socket, token: () => (tokens.push(token), "") } as Options,
        });
      });
    await show(counts({ first: "a", second: "b" }));
    await until("<b>open 0</b><b>open 0</b>");
    await show(counts({ second: "c" }));
    await act(async () => sockets[0]?.close());
    await act(() => vi.waitFor(() => expect(sockets).toHaveLength(2)));
    await until("<b>open 0</b>");
    expect(tokens.at(-1)).toBe("c");
  });

  it("calls a function for the room once, however often the component renders", async () => {
    let asked = 0;
    const { room: found, ...rest } = options;
    const searching = (): Options => ({ ...rest, room: () => (asked++, String(found)) }) as Options;
    await show(createElement(Count, { of: searching() }));
    await until("<b>open 0</b>");
    await show(createElement(Count, { of: searching() }));
    await show(createElement(Count, { of: searching() }));
    expect([asked, sockets.length]).toEqual([1, 1]);
  });

  it("has a connection for each function, also in roots that a server rendered", async () => {
    const { room: _, ...rest } = options;
    const islands = ["room-left", "room-right"].map((found) => {
      const island = document.body.appendChild(document.createElement("div"));
      const node = createElement(Count, { of: { ...rest, room: () => found } as Options });
      island.innerHTML = renderToString(node);
      return { island, node };
    });
    const roots = await act(async () => islands.map(({ island, node }) => hydrateRoot(island, node)));
    for (const { island } of islands) await act(() => vi.waitFor(() => expect(island.innerHTML).toBe("<b>open 0</b>")));
    const entered = sockets.map(({ url }) => new URL(url).pathname.split("/").at(-1));
    expect(new Set(entered)).toEqual(new Set(["room-left", "room-right"]));
    await act(async () => roots.forEach((hydrated) => hydrated.unmount()));
  });

  it("does not share a connection with other params, nor that of a spectator", async () => {
    const of = { ...options } as Options & { params?: unknown };
    const count = (key: string, more: object) => createElement(Count, { key, of: { ...of, ...more } });
    const params = { name: "Ada" };
    const watching = count("c", { spectator: true });
    await show(createElement(Fragment, null, count("a", { params }), count("b", { params: { ...params } }), watching));
    await until("<b>open 0</b><b>open 0</b><b>closed nothing</b>");
    const asked = sockets.map(({ url }) => new URL(url).searchParams.get("params"));
    expect(new Set(asked)).toEqual(new Set(['{"name":"Ada"}', null]));
    expect(asked).toHaveLength(2);
    await show(createElement(Fragment, null, count("a", { params: { name: "Bob" } })));
    await until("<b>open 0</b>");
    expect(sockets.at(-1)?.url).toContain("Bob");
  });

  it("calls the latest function for params", async () => {
    const given: string[] = [];
    const named = (name: string) => ({ ...options, params: () => (given.push(name), { name }) }) as unknown as Options;
    await show(createElement(Count, { of: named("one") }));
    await until("<b>open 0</b>");
    await show(createElement(Count, { of: named("two") }));
    await act(async () => sockets[0]?.close());
    await act(() => vi.waitFor(() => expect(given).toEqual(["one", "two"]), 5000));
  });

  it("reports that the room refuses", async () => {
    await show(createElement(Count, { of: { ...options, id: "private", transferToken: "bad" } }));
    await until("<b>closed nothing</b>");
  });

  it("connects again when a component with another key takes the place of one that was refused", async () => {
    const of = { ...options, id: "private", transferToken: "bad" };
    await show(createElement(Count, { key: "first", of }));
    await until("<b>closed nothing</b>");
    await show(createElement(Count, { key: "second", of }));
    await until("<b>closed nothing</b>");
    expect(sockets).toHaveLength(2);
    // A second component shares the connection, also if it was refused.
    await show(
      createElement(
        Fragment,
        null,
        createElement(Count, { key: "second", of }),
        createElement(Count, { key: "b", of }),
      ),
    );
    await until("<b>closed nothing</b><b>closed nothing</b>");
    expect(sockets).toHaveLength(2);
  });

  it("does not connect while a server renders the page", () => {
    const { host: _, ...rest } = options;
    expect(renderToString(createElement(Count, { of: rest }))).toBe("<b>connecting nothing</b>");
    expect(sockets).toEqual([]);
  });
});
