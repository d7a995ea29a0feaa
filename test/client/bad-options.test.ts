import { describe, expect, it, vi } from "vitest";
import { connectRoom, connectWorld, findRoom } from "../../src/client/index.ts";
import type { ConnectOptions } from "../../src/client/index.ts";
import { scripted } from "./scripted-socket.ts";

/** A lone surrogate, which no URL can contain. */
const LONE = "\ud800";

const script = scripted();

/** Connects, and waits for the first errors. */
async function errorsOf(options: Partial<ConnectOptions>): Promise<object[]> {
  const game = script.connect(options);
  const errors: object[] = [];
  game.on("error", (error) => errors.push(error));
  await vi.advanceTimersByTimeAsync(2000);
  game.close();
  return errors;
}

describe("without TypeScript", () => {
  it.each([undefined, "", "https://"])("a missing host is refused at once: %s", async (host) => {
    const message = "host is missing";
    const options = { host: host as string, room: "r", socket: script.socket };
    expect(() => connectRoom(options)).toThrow(new TypeError(message));
    expect(() => connectWorld(options)).toThrow(new TypeError(message));
    await expect(findRoom(options)).rejects.toThrow(new TypeError(message));
  });

  it.each([
    ["a number", 7],
    ["too long", "x".repeat(257)],
    ["half of a surrogate pair", LONE],
  ])("an id that no room accepts is refused at once: %s", (_, id) => {
    expect(() => script.connect({ id: id as string })).toThrow(new TypeError("id must have 1 to 256 characters"));
  });

  it.each([null, ""])("an empty id is replaced by a random one, which stays the same: %s", async (id) => {
    const game = script.connect({ id: id as string });
    expect(game.id).toHaveLength(32);
    (await script.next()).drop();
    expect((await script.next()).query["id"]).toBe(game.id);
    game.close();
  });

  it("delays that are undefined have their defaults", async () => {
    const none = undefined as never;
    const delays = { minReconnectionDelay: none, maxReconnectionDelay: none, reconnectionDelayGrowFactor: none };
    const game = script.connect({ socket: { ...script.socket, ...delays } });
    (await script.next()).drop();
    await vi.advanceTimersByTimeAsync(499);
    expect(script.sockets).toHaveLength(1);
    await script.next(1010);
    game.close();
  });

  it.each([undefined, "", 7])("a room that has no id is reported, and a function that finds none: %s", async (id) => {
    for (const room of [id, () => id] as never[]) {
      const [first] = await errorsOf({ room });
      expect(first).toMatchObject({
        code: "room_failed",
        message: `room() failed: ${JSON.stringify(id)} is not an id`,
      });
      expect(script.sockets).toHaveLength(0);
    }
  });
});

describe("a function of an option that throws something else than an error", () => {
  const cases: [code: string, (fail: () => never) => Partial<ConnectOptions>][] = [
    ["token", (fail) => ({ token: fail })],
    ["params", (fail) => ({ params: fail as never })],
    ["room", (fail) => ({ room: fail })],
  ];
  it.each(cases)("is reported: %s", async (name, withFailing) => {
    for (const [thrown, text] of [
      ["no", "no"],
      [null, "null"],
    ]) {
      const [first] = await errorsOf(
        withFailing(() => {
          // oxlint-disable-next-line typescript/only-throw-error -- as an app may do
          throw thrown;
        }),
      );
      expect(first).toMatchObject({ code: `${name}_failed`, message: `${name}() failed: ${text}` });
    }
  });
});

describe("text that no URL can contain", () => {
  it.each(["room", "token", "transferToken"])(
    "is reported once, and the client does not try again: %s",
    async (name) => {
      expect(await errorsOf({ [name]: LONE })).toMatchObject([{ code: "invalid_address", isFinal: true }]);
      expect(vi.getTimerCount()).toBe(0);
    },
  );

  it("is reported by the client of a World too", async () => {
    const ended: object[] = [];
    const game = connectWorld({ host: "h", room: "r", worldId: LONE, socket: script.socket });
    game.on("closed", (end) => ended.push(end));
    await vi.advanceTimersByTimeAsync(2000);
    expect(ended).toMatchObject([{ code: 4400 }]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
