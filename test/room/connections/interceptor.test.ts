import { signal } from "@signe/reactive";
import { describe, expect, it, vi } from "vitest";
import type { Packet } from "../../../src/define/types.ts";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { sync } from "../../../src/state/fields.ts";
import { testRoom, token } from "../../support/harness.ts";

class Player {
  x = sync(signal(0));
}
const stateOf = () => ({ n: sync(signal(0)), players: users(Player) });
type Value = Record<string, unknown>;

describe("interceptorPacket", () => {
  it("changes a viewer's own copy, and null drops it", async () => {
    const definition = defineRoom({
      path: "room-{id}",
      throttleSync: 0,
      state: stateOf,
      actions: {
        set: { run: ({ state }, n) => state.n.set(n as number) },
        say: { run: ({ room }, value) => room.broadcast({ type: "say", value }) },
      },
      interceptorPacket({ user, conn }, packet) {
        expect(user).toBeInstanceOf(Player);
        if (packet.type === "say" && conn.auth?.["deaf"]) return null;
        const value = packet.value as Value | undefined;
        if (packet.type === "sync" && value && "n" in value)
          value["n"] = (value["n"] as number) * (conn.auth ? 100 : 1);
        return packet;
      },
    });
    const room = testRoom(definition);
    const plain = await room.connect();
    const deaf = await room.connect({ token: await token({ deaf: true }) });
    expect((await plain.call("set", 3)).type).toBe("ack");
    await plain.sees((state: { n: number }) => state.n === 3);
    await deaf.sees((state: { n: number }) => state.n === 300);
    await plain.call("say", "hi");
    await plain.call("set", 4);
    await deaf.sees((state: { n: number }) => state.n === 400);
    await room.evict();
    await plain.call("set", 5);
    await deaf.sees((state: { n: number }) => state.n === 500);
    expect(plain.packets.some((packet) => packet.type === "say")).toBe(true);
    expect(deaf.packets.some((packet) => packet.type === "say")).toBe(false);
  });

  it("however slow it is, each connection gets its packets in order, including acknowledgements", async () => {
    const waiting: (() => void)[] = [];
    const definition = defineRoom({
      path: "room-{id}",
      throttleSync: 0,
      state: stateOf,
      actions: {
        set: { run: ({ state }, n) => state.n.set(n as number) },
        // An action, because workerd only lets code of the same object resolve its promises.
        release: { run: () => waiting.splice(0).forEach((go) => go()) },
      },
      interceptorPacket({ conn }, packet): Packet | Promise<Packet> {
        const n = (packet.value as Value)["n"];
        if (conn.auth === null || n !== 1) return packet;
        return new Promise((resolve) => waiting.push(() => resolve(packet)));
      },
    });
    const room = testRoom(definition);
    const slow = await room.connect({ token: await token({ slow: true }) });
    const quick = await room.connect();
    const acks = [1, 2, 3].map((n) => slow.call("set", n));
    await quick.sees((state: { n: number }) => state.n === 3);
    expect(slow.packets.filter((packet) => "n" in packet.value)).toHaveLength(1);
    await quick.call("release");
    await Promise.all(acks);
    const order = slow.packets.filter((packet) => "n" in packet.value || packet.type === "ack").slice(1);
    expect(order.map((packet) => packet.value["n"] ?? packet.type)).toEqual([1, "ack", 2, "ack", 3, "ack"]);
  });

  it.each([
    ["at once", (packet: Packet) => (packet.type === "sync" ? packet : undefined)],
    ["later", async (packet: Packet) => (packet.type === "sync" ? packet : undefined)],
  ])("one in JavaScript that returns nothing %s sends nothing", async (_, intercept) => {
    const definition = defineRoom({
      path: "room-{id}",
      state: stateOf,
      actions: { say: { run: ({ room }) => room.broadcast({ type: "say" }) } },
      interceptorPacket: (_context, packet) => intercept(packet) as Packet | Promise<Packet>,
    });
    const client = await testRoom(definition).connect();
    await client.call("say");
    expect(client.packets.map(({ type }) => type)).toEqual(["sync", "ack"]);
  });

  it("one that throws sends nothing, and does not affect others", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const definition = defineRoom({
      path: "room-{id}",
      throttleSync: 0,
      state: stateOf,
      actions: { set: { run: ({ state }, n) => state.n.set(n as number) } },
      interceptorPacket({ conn }, packet) {
        if (conn.auth && (packet.value as Value)["n"] === 1) throw new Error("broken interceptor");
        return packet;
      },
    });
    const room = testRoom(definition);
    const broken = await room.connect({ token: await token({}) });
    const fine = await room.connect();
    await broken.call("set", 1);
    await fine.sees((state: { n: number }) => state.n === 1);
    await broken.call("set", 2);
    await broken.sees((state: { n: number }) => state.n === 2);
    expect(broken.texts.join()).not.toContain('"n":1');
    expect(log.mock.calls.join()).toContain("broken interceptor");
    log.mockRestore();
  });
});
