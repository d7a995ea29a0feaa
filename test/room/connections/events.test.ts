import { afterEach, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { sync } from "../../../src/state/fields.ts";
import { signal } from "@signe/reactive";
import { testRoom } from "../../support/harness.ts";

class Player {
  x = sync(signal(1));
  hand = sync(signal("ace"), { visibleTo: "owner" });
}
const errors: string[] = [];
const chat = defineRoom({
  path: "chat-{id}",
  onError: ({ error }) => void errors.push((error as Error).message),
  state: () => ({ players: users(Player) }),
  events: {
    chat: z.object({ text: z.string().min(1), at: z.date().optional(), mood: z.string().default("calm") }),
    moved: z.custom<Player>((value) => value instanceof Player),
    bell: z.undefined(),
    slow: z.string().refine(async () => Promise.resolve(true)),
  },
  actions: {
    say: { run: ({ room }, value) => room.broadcast({ type: "chat", value: value as { text: string } }) },
    date: { run: ({ conn }) => conn.send({ type: "chat", value: { text: "now", at: new Date(0) } }) },
    move: { run: ({ room, user }) => room.broadcast({ type: "moved", value: user }) },
    ring: { run: ({ room, conn }) => room.send(conn, { type: "bell" }) },
    slow: { run: ({ room }) => room.broadcast({ type: "slow", value: "x" }) },
    other: { run: ({ room }, type) => room.broadcast({ type: type as "bell" }) },
  },
});

afterEach(() => vi.unstubAllEnvs());

describe("events of a definition", () => {
  it("reach clients unchanged, and are checked but not converted by their schemas", async () => {
    const client = await testRoom(chat, "chat-1").connect();
    await client.call("say", { text: "hi", more: 1 });
    await client.call("date");
    await client.call("move");
    await client.call("ring");
    await client.until(({ type }) => type === "bell");
    expect(client.packets.filter(({ type }) => !["sync", "ack"].includes(type))).toEqual([
      { type: "chat", value: { text: "hi", more: 1 } },
      { type: "chat", value: { text: "now", at: "1970-01-01T00:00:00.000Z" } },
      { type: "moved", value: { x: 1 } },
      { type: "bell" },
    ]);
  });

  it.each([
    ["say", { text: "" }, 'The event "chat" does not match its schema: text: '],
    ["say", undefined, 'The event "chat" does not match its schema: '],
    ["slow", undefined, 'The event "slow" cannot have an async schema'],
    ["other", "chatt", 'There is no event "chatt". There are: chat, moved, bell, slow'],
    ["other", "toString", 'There is no event "toString"'],
  ])("with %s %j nothing is sent, and the handler gets the reason", async (action, value, message) => {
    const client = await testRoom(chat, "chat-1").connect();
    errors.length = 0;
    expect((await client.call(action, value)).value["code"]).toBe("internal");
    expect(errors).toEqual([expect.stringContaining(message)]);
    expect(client.packets.map(({ type }) => type)).toEqual(["sync", "error"]);
  });

  it("are not checked in a deployed Worker, which does not contain the code for it", async () => {
    vi.stubEnv("NODE_ENV", "production");
    const client = await testRoom(chat, "chat-1").connect();
    await client.call("say", { text: "" });
    await client.call("other", "chatt");
    expect(client.packets.map(({ type }) => type)).toEqual(["sync", "chat", "ack", "chatt", "ack"]);
  });

  it("have schemas, and names that are not reserved", () => {
    const room = { path: "r", state: () => ({}) };
    expect(() => defineRoom({ ...room, events: { chat: "text" as unknown as z.ZodString } })).toThrow(
      'defineRoom("r"): the event "chat" has a value that is not a schema',
    );
    const own = ["packet", "status", "closed", "destroyed"];
    for (const name of ["sync", "ack", "error", "user_disconnected", "joining", ...own]) {
      expect(() => defineRoom({ ...room, events: { [name]: z.string() } })).toThrow(
        `the event "${name}" has a reserved name: choose another one`,
      );
    }
  });
});
