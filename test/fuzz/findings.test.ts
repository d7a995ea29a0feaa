import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { answerClose } from "../../src/objects/handshake.ts";
import { readText } from "../../src/room/requests/request-body.ts";
import { applyPatch } from "../../src/protocol/apply-patch.ts";
import { users } from "../../src/app/users.ts";
import { collection, sync } from "../../src/state/fields.ts";
import { MemoryRoom } from "../support/memory.ts";
import { testRoom } from "../support/harness.ts";

/** Regression tests for single problems that the fuzzers in this folder found. */

const thing = () => ({ n: sync(signal(0)) });
class Player {
  x = sync(signal(0));
}
/** A room that uses what clients send as keys, without a schema. */
const definition = defineRoom({
  path: "room-{id}",
  throttleSync: 0,
  state: () => ({
    count: sync(signal(0)),
    box: sync(signal<Record<string, Record<string, unknown>>>({})),
    things: collection(thing),
    players: users(Player),
  }),
  actions: {
    count: { run: ({ state }) => state.count.update((count) => count + 1) },
    keep: { run: ({ conn }, value) => conn.setState(value) },
    state: { run: ({ conn }) => conn.state },
    add: { run: ({ state }, key) => void (state.things()[key as string] = thing()) },
    move: { run: ({ room, conn }, to) => room.sessionTransfer(conn, to as string) },
    field: {
      run({ state }, value) {
        const [key, field] = value as [string, string];
        (state.things()[key] as unknown as Record<string, unknown>)[field] = 1;
      },
    },
    inner: {
      run({ state }, value) {
        const [key, field] = value as [string, string];
        (state.box()[key] as Record<string, unknown>)[field] = 1;
      },
    },
    dig: {
      run({ state }, value) {
        const [key, field] = value as [string, string];
        state.box.mutate((box) => void ((box[key] as Record<string, unknown>)[field] = 1));
      },
    },
  },
  requests: { "GET /things/:id": { run: ({ state, params, res }) => state.things()[params.id] ?? res.notFound() } },
});

describe("keys that a client chooses", () => {
  it("P5.6: do not lead to a prototype when an entry, or a part of a value, is looked up", async () => {
    const room = testRoom(definition, `room-${crypto.randomUUID()}`);
    for (const key of ["constructor", "__proto__", "toString", "hasOwnProperty", "nothing"]) {
      expect((await room.fetch(`/things/${key}`)).status, key).toBe(404);
    }
    const client = await room.connect();
    for (const action of ["field", "inner", "dig"]) {
      for (const key of ["__proto__", "constructor", "prototype"]) {
        expect((await client.call(action, [key, "polluted"])).value["code"], `${action} ${key}`).toBe("internal");
      }
    }
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    expect((Object as unknown as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  it("are well-formed: unpaired surrogates would all be the same key in storage", async () => {
    const room = testRoom(definition, `room-${crypto.randomUUID()}`);
    const client = await room.connect();
    expect((await client.call("add", "a\ud800")).value["code"]).toBe("invalid_input");
    const keys = ["a\0", "a\0b", "😀", "%2E", "$x", "~", "a\u0301", "\u00e1"];
    for (const key of keys) expect((await client.call("add", key)).type, JSON.stringify(key)).toBe("ack");
    await room.evict();
    expect(await room.inside((state) => Object.keys(state.things()))).toEqual(expect.arrayContaining(keys));
    expect(await room.inside((state) => Object.keys(state.things()).length)).toBe(keys.length);
  });
});

describe("ids of rooms", () => {
  it("P1.2: are refused if no object could have them: a user who is sent there stays", async () => {
    const room = testRoom(definition, `room-${crypto.randomUUID()}`);
    const client = await room.connect();
    for (const to of [
      `room-${"x".repeat(2000)}`,
      `room-${"€".repeat(400)}`,
      "room-\0",
      "room-\ud800",
      5,
      null,
      {},
      [],
    ]) {
      expect((await client.call("move", to)).value["code"], JSON.stringify(to)).toBe("not_found");
    }
    expect((await client.call("count")).type).toBe("ack");
    for (const id of [`room-${"€".repeat(400)}`, `room-${"x".repeat(600)}`]) {
      expect((await room.sibling(id).fetch("/things/a")).status).toBe(404);
    }
    expect((await room.sibling(`room-${"€".repeat(298)}`).fetch("/things/a")).status).toBe(404);
  });
});

describe("requests", () => {
  it("P6.2: with an invalid Host header are refused, and are no failure of the service", async () => {
    const { default: app } = await import("../worker.ts");
    for (const host of ["a b", "a@b", "a:b@c", "[", "%"]) {
      const request = {
        url: `http://${host}/parties/world/w/registry`,
        method: "GET",
        headers: new Headers(),
      } as Request;
      const answer = await app.fetch(request, env);
      expect(answer.status, host).toBe(400);
      expect(await answer.json()).toEqual({ error: "The URL is not valid", code: "bad_message" });
    }
  });
});

describe("a body", () => {
  const stream = (pull: (controller: ReadableStreamDefaultController<Uint8Array>) => void) =>
    new Request("http://room/", { method: "POST", body: new ReadableStream({ pull }) });

  it("P8.3: that breaks off or never ends is refused, and is no failure of the room", async () => {
    const broken = stream((controller) => controller.error(new Error("Network connection lost")));
    await expect(readText(broken, 100)).rejects.toMatchObject({ code: "bad_message" });
    const endless = stream(() => new Promise(() => {}) as never);
    await expect(readText(endless, 100, 20)).rejects.toMatchObject({ code: "bad_message" });
    const large = stream((controller) => controller.enqueue(new Uint8Array(60)));
    await expect(readText(large, 100)).rejects.toMatchObject({ code: "message_too_large" });
    expect(await readText(new Request("http://room/", { method: "POST", body: "é" }), 2)).toBe("é");
  });
});

describe("the state of a connection", () => {
  it("takes as many bytes at a shard as the room counted, so that no batch is lost", async () => {
    const room = testRoom(definition, `room-${crypto.randomUUID()}`);
    const client = await room.connect({ via: "shard" });
    const other = await room.connect({ via: "shard" });
    // As a structured clone, each of these values is larger than as JSON.
    for (const part of [0.5, [], "€"]) {
      const value = Array.from({ length: 2200 }, () => part);
      expect((await client.call("keep", value)).type).toBe("ack");
      expect((await client.call("state")).value["result"]).toEqual(value);
    }
    await client.call("count");
    await other.sees((state: { count: number }) => state.count === 1);
  });
});

describe("messages", () => {
  it("P3.2: an id that JSON cannot represent is refused", async () => {
    const room = new MemoryRoom(definition.compiled);
    const socket = await room.connect("s");
    await room.core.message(socket, '{"action":"count","id":1e999}');
    expect(socket.texts.at(-1)).toContain('"code":"bad_message"');
  });
});

describe("a close frame", () => {
  it.each([0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535])("P7.5: of code %d is answered", async (code) => {
    const room = testRoom(definition, `room-${crypto.randomUUID()}`);
    await room.connect({ via: "room" });
    await runInDurableObject(room.stub, (_instance, ctx) => {
      const [ws] = ctx.getWebSockets();
      expect(() => answerClose(ws as WebSocket, code, "bye")).not.toThrow();
    });
  });
});

describe("patches at a client", () => {
  it("P6.5: are cleaned inside arrays too, and do not make holes", () => {
    const hostile = JSON.parse('{"list":[{"__proto__":{"polluted":1},"a":[{"constructor":1,"b":2}]}]}') as object;
    const state = applyPatch({}, hostile as Record<string, unknown>);
    expect(JSON.stringify(state)).toBe('{"list":[{"a":[{"b":2}]}]}');
    for (const index of ["4294967294", "-1", "length", "3"]) {
      expect(applyPatch({ list: [1, 2] }, { list: { [index]: 0 } }), index).toEqual({ list: [1, 2] });
    }
    expect(applyPatch({ list: [1, 2] }, { list: { 2: 3, 3: 4 } })).toEqual({ list: [1, 2, 3, 4] });
  });
});
