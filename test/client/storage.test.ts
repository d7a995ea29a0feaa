import { afterEach, describe, expect, it, vi } from "vitest";
import { separateTabs } from "../../src/client/index.ts";
import type { ConnectOptions, IdStorage } from "../../src/client/index.ts";
import { scripted } from "./scripted-socket.ts";

const script = scripted();

afterEach(() => {
  vi.unstubAllGlobals();
});

function stubStorage(name: string, kept = new Map<string, string>()): Map<string, string> {
  vi.stubGlobal(name, {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  });
  return kept;
}

/** The id that a client has, and the id in its URL. */
async function idsOf(storage: ConnectOptions["storage"], options: Partial<ConnectOptions> = {}) {
  const game = script.connect({ id: undefined, storage, ...options });
  const { query } = await script.next(1000);
  game.close();
  expect(game.id).toBe(query["id"]);
  return query["id"] as string;
}

describe("storage", () => {
  it.each(["session", "local"] as const)(
    "%s keeps the id of each service, and the client reports it",
    async (storage) => {
      const kept = stubStorage(`${storage}Storage`);
      const id = await idsOf(storage);
      expect(id).toMatch(/^[0-9a-f]{32}$/);
      expect(await idsOf(storage)).toBe(id);
      expect(await idsOf(storage, { host: "other.example.com" })).not.toBe(id);
      expect([...kept]).toContainEqual(["durable-rooms:http://h", id]);
      expect(await idsOf(storage, { id: "given" })).toBe("given");
      expect(await idsOf(undefined)).not.toBe(id);
    },
  );

  it("is known at once if the browser keeps it, also for a transfer", () => {
    stubStorage("sessionStorage", new Map([["durable-rooms:http://h", "mine"]]));
    const game = script.connect({ id: undefined, storage: "session", transferToken: "t" });
    expect(game.id).toBe("mine");
    game.close();
    expect(() => script.connect({ id: undefined, transferToken: "t" })).toThrow("transferToken needs id or storage");
  });

  it("rejects an id that a room would refuse, or that no URL can contain", async () => {
    for (const stored of ["", "x".repeat(257), "\ud800"]) {
      const kept = stubStorage("localStorage", new Map([["durable-rooms:http://h", stored]]));
      const id = await idsOf("local");
      expect(id).toHaveLength(32);
      expect(kept.get("durable-rooms:http://h")).toBe(id);
    }
  });

  it.each<[string, () => unknown]>([
    [
      "access throws",
      () => {
        throw new Error("SecurityError");
      },
    ],
    [
      "writing throws",
      () => ({
        getItem: () => null,
        setItem: () => {
          throw new Error("QuotaExceededError");
        },
      }),
    ],
    ["there is none", () => undefined],
  ])("gives a new id if %s", async (_, get) => {
    vi.stubGlobal("localStorage", undefined);
    Object.defineProperty(globalThis, "localStorage", { configurable: true, get });
    const id = await idsOf("local");
    expect(id).toHaveLength(32);
    expect(await idsOf("local")).not.toBe(id);
  });
});

describe("the app's own storage", () => {
  it("may be asynchronous, as in React Native, and two clients get one id", async () => {
    const kept = new Map<string, string>();
    const storage: IdStorage = {
      getItem: async (key) => kept.get(key) ?? null,
      setItem: async (key, value) => void kept.set(key, value),
    };
    const options = { id: undefined, storage };
    const games = [script.connect(options), script.connect(options)];
    expect(games[0]?.id).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    const ids = script.sockets.map(({ query }) => query["id"]);
    expect(ids[0]).toHaveLength(32);
    expect(ids[1]).toBe(ids[0]);
    expect(games.map(({ id }) => id)).toEqual(ids);
    for (const game of games) game.close();
    expect(await idsOf(storage)).toBe(ids[0]);
  });

  it.each<[string, IdStorage]>([
    [
      "throws",
      {
        getItem: () => {
          throw new Error("no");
        },
        setItem: () => {},
      },
    ],
    ["rejects", { getItem: () => Promise.reject(new Error("no")), setItem: () => {} }],
    ["cannot write", { getItem: () => null, setItem: () => Promise.reject(new Error("full")) }],
    ["keeps nothing", { getItem: () => undefined, setItem: () => {} }],
    ["keeps something else", { getItem: () => 7 as never, setItem: () => {} }],
  ])("that %s does not stop the connection", async (_, storage) => {
    expect(await idsOf(storage)).toHaveLength(32);
  });
});

describe("separateTabs", () => {
  it("keeps the id through reloads, and for all clients of a page", async () => {
    vi.stubGlobal("BroadcastChannel", undefined);
    stubStorage("sessionStorage");
    const id = await idsOf(separateTabs);
    expect(await idsOf(separateTabs)).toBe(id);
  });

  it("gives a tab a new id if another page has it, by locks or by messages", async () => {
    const kept = stubStorage("sessionStorage");
    const request = (_: string, { signal }: { signal: AbortSignal }) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
    const free = (_: string, __: unknown, hold: () => unknown) => new Promise(() => hold());
    kept.set("durable-rooms:http://h", "locked");
    vi.stubGlobal("navigator", {
      locks: {
        request: (name: string, ...rest: never[]) =>
          (name.endsWith("locked") ? request : free)(name, ...(rest as [never, never])),
      },
    });
    const id = await idsOf(separateTabs);
    expect(id).toHaveLength(32);
    expect(kept.get("durable-rooms:http://h")).toBe(id);

    vi.stubGlobal("navigator", {});
    vi.stubGlobal("BroadcastChannel", Neighbour);
    kept.set("durable-rooms:http://h", "asked");
    const other = await idsOf(separateTabs);
    expect(other).toHaveLength(32);
    expect(kept.get("durable-rooms:http://h")).toBe(other);
  });
});

/** A broadcast channel on which another page answers that it uses the id "asked". */
class Neighbour {
  readonly #name: string;
  #listener: ((event: { data: unknown }) => void) | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  addEventListener(_: string, listener: (event: { data: unknown }) => void): void {
    this.#listener = listener;
  }

  postMessage(message: string): void {
    if (this.#name.endsWith("asked") && message === "whose?") queueMicrotask(() => this.#listener?.({ data: "mine" }));
  }

  close(): void {
    this.#listener = undefined;
  }
}
