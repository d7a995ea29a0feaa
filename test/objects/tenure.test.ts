import { runInDurableObject } from "cloudflare:test";
import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { overviewOf } from "../../src/platform/object-report.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import type { RoomObjectBase } from "../../src/objects/room-object.ts";
import { users } from "../../src/app/users.ts";
import { connected, persist, sync } from "../../src/state/fields.ts";
import { shardStub, testRoom } from "../support/harness.ts";

const RESTART = { code: 1012, reason: "The code has changed" };

class User {
  online = connected();
}

/** A room with handlers that wait until the test opens its gate. */
function makeRoom(hibernate = true) {
  const gate = Promise.withResolvers<void>();
  const begun: string[] = [];
  const room = defineRoom({
    path: "room-{id}",
    hibernate,
    state: () => ({ count: sync(signal(0)), late: persist(signal(0)), users: users(User) }),
    tick: { hz: 50, run() {} },
    async onJoin({ request }) {
      if (!request.url.includes("slow")) return;
      begun.push("join");
      await gate.promise;
    },
    actions: { add: { run: ({ state }) => state.count.update((count) => count + 1) } },
    requests: {
      "POST /late": {
        async run({ state, room: handle }) {
          begun.push("request");
          await gate.promise;
          state.late.set(1);
          state.count.set(99);
          handle.storage.put("late", 1);
          handle.schedule("later", 1000);
          handle.broadcast({ type: "late", value: 1 });
          await handle.flush();
          return "done";
        },
      },
    },
    schedules: { later: { run() {} } },
  });
  return { room, gate, begun };
}

/** Creates another instance of an object on the same `ctx`, as `vite dev` does when the code has changed. */
function takeOver<T extends Rpc.DurableObjectBranded>(stub: DurableObjectStub<T>): Promise<T> {
  return runInDurableObject(stub, (instance, ctx) => {
    const Instance = instance.constructor as new (ctx: DurableObjectState, env: unknown) => T;
    return new Instance(ctx, (instance as unknown as { env: unknown }).env);
  });
}

describe.each([true, false])("another instance with the same ctx, in a room with hibernate: %j", (hibernate) => {
  it("ends the previous one, which has saved everything, and closes its sockets", async () => {
    const { room: definition } = makeRoom(hibernate);
    const room = testRoom(definition);
    const client = await room.connect({ via: "room" });
    await client.call("add");
    const instance = await takeOver(room.stub as unknown as DurableObjectStub<RoomObjectBase>);
    expect(await client.closed).toEqual(RESTART);
    await runInDurableObject(room.stub, () => {
      const { core } = instance;
      expect((core.state as { count(): number }).count()).toBe(1);
      // Connected clients have to reconnect.
      expect(overviewOf(core.parts).connections).toBe(0);
    });
  });

  it("is not disturbed by what the previous one had begun", async () => {
    const { room: definition, gate, begun } = makeRoom(hibernate);
    const room = testRoom(definition);
    const client = await room.connect({ via: "room" });
    const late = room.fetch("/late", { method: "POST" });
    const joining = room.open({ via: "room", query: "slow" });
    await expect.poll(() => begun).toHaveLength(2);
    await client.call("add");
    const instance = await takeOver(room.stub as unknown as DurableObjectStub<RoomObjectBase>);
    const stored = await room.inside((_state, _core, ctx) => Object.fromEntries(ctx.storage.kv.list()));
    gate.resolve();
    expect(await (await late).text()).toBe("done");
    expect(await (await joining).closed).toEqual(RESTART);
    await runInDurableObject(room.stub, async (_, ctx) => {
      expect(Object.fromEntries(ctx.storage.kv.list())).toEqual(stored);
      expect((instance.core.state as { count(): number }).count()).toBe(1);
    });
    expect(client.packets.filter(({ type }) => type === "late")).toEqual([]);
  });
});

describe("another instance of a shard with the same ctx", () => {
  it("closes the previous one's sockets, and the room learns that its clients left", async () => {
    const { room: definition } = makeRoom();
    const room = testRoom(definition);
    const client = await room.connect({ via: "shard" });
    const other = await room.connect({ via: "room" });
    await other.sees(
      (state: { users: Record<string, { online: boolean }> }) => Object.values(state.users).length === 2,
    );
    const shard = await takeOver(shardStub(await room.shard()));
    expect(await client.closed).toEqual(RESTART);
    expect(await runInDurableObject(shardStub(await room.shard()), () => shard.core.connections)).toBe(0);
    await other.sees((state: { users: Record<string, { online: boolean }> }) => {
      return Object.values(state.users).filter(({ online }) => online).length === 1;
    });
    other.close();
  });

  it("refuses clients that are connecting", async () => {
    const { room: definition, gate, begun } = makeRoom();
    const room = testRoom(definition);
    const shardId = await room.shard();
    const joining = room.open({ via: "shard", query: "slow" });
    await expect.poll(() => begun).toEqual(["join"]);
    await takeOver(shardStub(shardId));
    expect(await (await joining).closed).toEqual(RESTART);
    gate.resolve();
  });
});
