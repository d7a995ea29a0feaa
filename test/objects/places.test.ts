import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { createRooms, defineRoom, sync } from "../../src/index.ts";
import type { LogEntry, ServiceConfig } from "../../src/index.ts";
import { createHosts } from "../../src/objects/world-object.ts";
import { createPlaces } from "../../src/objects/places.ts";
import { createShards } from "../../src/objects/peers.ts";
import { checkWorldConfig } from "../../src/world/settings.ts";
import { Registry } from "../../src/world/registry.ts";
import { makeWorldState } from "../../src/world/state.ts";
import { worlds } from "../../src/worlds.ts";
import { shared } from "../../src/testing/registry.ts";
import { byRoom, european } from "../docs/extracted/places.ts";
import { TestRoom } from "../support/harness.ts";

const sources = import.meta.glob(["../../src/**/*.ts", "!../../src/templates/**"], {
  query: "?raw",
  import: "default",
  eager: true,
});

/** Bindings of a Worker that record what they are asked for: binding, name, jurisdiction, location hint. */
function bindings(refusal?: string) {
  const asked: string[] = [];
  const stub = {
    fetch: async () => Response.json({ success: true }),
    call: async () => ({ ok: true, value: undefined }),
    board: async () => ({ ok: false, code: "room_full", message: "full" }),
    ...Object.fromEntries(
      ["recall", "arrived", "introduce", "deliver", "assign", "retire", "metrics", "listed", "relay"].map((name) => [
        name,
        async () => undefined,
      ]),
    ),
  };
  const namespace = (binding: string, jurisdiction = "-"): object => ({
    idFromName: (name: string) => name,
    get(id: string, options?: { locationHint: string }) {
      asked.push(`${binding} ${id} ${jurisdiction} ${options?.locationHint ?? "-"}`);
      return stub;
    },
    jurisdiction(wanted: string) {
      if (refusal !== undefined) throw new Error(refusal);
      return namespace(binding, wanted);
    },
  });
  const names = ["ROOMS", "WORLDS", "SHARDS"];
  return { asked, env: Object.fromEntries(names.map((name) => [name, namespace(name)])) as never };
}

const definition = defineRoom({
  path: "room-{id}",
  state: () => ({ count: sync(signal(0)) }),
  actions: { add: { from: "rooms", run: () => 1 } },
  requests: {
    "GET /go": {
      async run({ room }) {
        await room.fetch("room-eu", "/");
        await room.call({ party: "other", id: "room-us" }, "add");
        room.setListing({}, { worldId: "eu-world" });
        return "ok";
      },
    },
  },
});
const byId: Pick<ServiceConfig, "jurisdiction" | "locationHint"> = {
  jurisdiction: ({ party, id }) => (id.includes("eu") ? "eu" : party === "other" ? "us" : undefined),
  locationHint: ({ id }) => (id.includes("eu") ? "weur" : id.includes("us") ? "wnam" : undefined),
};
const serve = (options: Partial<ServiceConfig>, log: (entry: LogEntry) => void = () => {}) =>
  createRooms({ rooms: [definition], parties: { other: [definition] }, world: worlds(), log, ...options });
const none = () => {};

describe("the location of objects", () => {
  it("is passed to the platform for each request: to rooms, Worlds and shards", async () => {
    const { asked, env: own } = bindings();
    const ask = (path: string, { app } = serve(byId)) => app.request(`/parties/${path}`, {}, own);
    for (const path of ["main/room-eu", "main/room-1", "other/room-us", "world/eu-world/connect", "world/w/connect"])
      await ask(path);
    for (const shard of ["room-abc~eu", "room-abc", "room-abc~moon", "~eu-room"]) await ask(`shard/${shard}`);
    expect(asked).toEqual([
      "ROOMS main/room-eu eu weur",
      "ROOMS main/room-1 - -",
      "ROOMS other/room-us us wnam",
      "WORLDS world/eu-world eu weur",
      "WORLDS world/w - -",
      "SHARDS shard/room-abc~eu eu -",
      "SHARDS shard/room-abc - -",
      "SHARDS shard/room-abc~moon - -",
      "SHARDS shard/~eu-room - -",
    ]);
  });

  it("is the same for all objects if it is fixed, and omitted without an option", async () => {
    const { asked, env: own } = bindings();
    const fixed = serve({ jurisdiction: "eu", locationHint: "weur" });
    const plain = serve({});
    for (const { app } of [fixed, plain]) {
      await app.request("/parties/main/room-1", {}, own);
      await app.request("/parties/world/w/connect", {}, own);
      await app.request("/parties/shard/room-abc~eu", {}, own);
    }
    expect(asked).toEqual([
      "ROOMS main/room-1 eu weur",
      "WORLDS world/w eu weur",
      "SHARDS shard/room-abc~eu eu -",
      "ROOMS main/room-1 - -",
      "WORLDS world/w - -",
      "SHARDS shard/room-abc~eu - -",
    ]);
  });

  it("is as in the guide", async () => {
    const { asked, env: own } = bindings();
    for (const { app } of [european, byRoom]) {
      for (const id of ["game-eu-1", "game-1"]) await app.request(`/parties/main/${id}`, {}, own);
      await app.request("/parties/world/w/connect", {}, own);
    }
    expect(asked).toEqual([
      "ROOMS main/game-eu-1 eu weur",
      "ROOMS main/game-1 eu weur",
      "WORLDS world/w eu weur",
      "ROOMS main/game-eu-1 eu weur",
      "ROOMS main/game-1 - -",
      "WORLDS world/w - enam",
    ]);
  });

  it("applies to a room's calls to others, to its shards and to its World", async () => {
    const { asked, env: own } = bindings();
    const { RoomObject } = serve(byId);
    await runInDurableObject(new TestRoom(definition, "room-here", "main").stub, async (_instance, ctx) => {
      const object = new RoomObject(ctx, own);
      const answer = await object.fetch(new Request("http://rooms.test/parties/main/room-here/go"));
      expect(await answer.text()).toBe("ok");
      await object.alarm();
    });
    expect(asked).toEqual([
      "ROOMS main/room-eu eu weur",
      "ROOMS other/room-us us wnam",
      "WORLDS world/eu-world eu weur",
    ]);
    asked.length = 0;
    const shards = createShards(createPlaces(byId, none), own);
    await shards.introduce("a~eu", "boot");
    await shards.deliver("b", { run: "", boot: "", life: "", seq: 1, base: 1, items: [] });
    expect(asked).toEqual(["SHARDS shard/a~eu eu -", "SHARDS shard/b - -"]);
  });

  it("applies to a shard's calls to its room and its World", async () => {
    const { asked, env: own } = bindings();
    const { ShardObject } = serve(byId);
    const shards = (env as unknown as { SHARDS: DurableObjectNamespace }).SHARDS;
    await runInDurableObject(shards.get(shards.idFromName("shard/places~eu")), async (_instance, ctx) => {
      const object = new ShardObject(ctx, own);
      const place = { party: "main", roomId: "room-eu", worldId: "eu-world", capacity: 1, draining: false };
      await object.assign({ shardId: "places~eu", ...place });
      await object.fetch(new Request("http://rooms.test/parties/shard/places~eu/status"));
      await object.alarm();
    });
    expect(asked).toEqual(["ROOMS main/room-eu eu weur", "WORLDS world/eu-world eu weur"]);
  });

  it("applies to a World's calls to rooms and shards, and to the ids that it makes", async () => {
    const { asked, env: own } = bindings();
    const hosts = createHosts(createPlaces(byId, none));
    const [shards, rooms, observe] = [hosts.shards(own), hosts.rooms(own), hosts.observe(own)];
    const assignment = {
      shardId: "a~eu",
      worldId: "w",
      party: "main",
      roomId: "room-eu",
      capacity: 1,
      draining: false,
    };
    await shards.assign(assignment);
    // The region of the client for whom the shard is created takes precedence.
    await shards.assign(assignment, "oc");
    await shards.retire("a~eu");
    await rooms.ask({ party: "main", roomId: "room-eu" }, "w");
    await observe.room({ party: "other", roomId: "room-us" });
    await observe.shard("a~eu");
    expect(asked).toEqual([
      "SHARDS shard/a~eu eu weur",
      "SHARDS shard/a~eu eu oc",
      "SHARDS shard/a~eu eu -",
      "ROOMS main/room-eu eu weur",
      "ROOMS other/room-us us wnam",
      "SHARDS shard/a~eu eu -",
    ]);
    const registry = new Registry(makeWorldState(), checkWorldConfig({}), Math.random, hosts.jurisdictionOf);
    const request = { autoCreate: true, mayGrow: true, hint: undefined };
    for (const roomId of ["room-eu", "room-1"]) registry.place({ roomId, ...request }, 0);
    expect(registry.shards().map((shard) => shard.info().id)).toEqual([
      expect.stringMatching(/^roomeu-[a-z0-9]{12}~eu$/) as string,
      expect.stringMatching(/^room1-[a-z0-9]{12}$/) as string,
    ]);
  });

  it("only bindings.ts and places.ts make stubs", () => {
    const makers = Object.entries(sources).filter(([, text]) =>
      /\b(idFromName|idFromString|newUniqueId|getByName)\(/.test(text.replaceAll(/^\s*(\*|\/\/).*$/gm, "")),
    );
    expect(makers.map(([path]) => path.slice("../../src/".length))).toEqual([
      "objects/bindings.ts",
      "objects/places.ts",
    ]);
    // bindings.ts only declares the type of a namespace.
    expect(sources["../../src/objects/bindings.ts"]).toContain("idFromName(name: string): unknown;");
  });
});

describe("a platform without jurisdictions", () => {
  const local = "Jurisdiction restrictions are not implemented in workerd.";

  it("such as local development: objects run without one, and one warning is logged", async () => {
    const { asked, env: own } = bindings(local);
    const log: LogEntry[] = [];
    const { app } = serve({ jurisdiction: "eu", locationHint: "weur" }, (entry) => log.push(entry));
    for (const id of ["room-1", "room-2"]) expect((await app.request(`/parties/main/${id}`, {}, own)).status).toBe(200);
    expect(asked).toEqual(["ROOMS main/room-1 - weur", "ROOMS main/room-2 - weur"]);
    expect(log.filter(({ event }) => event === "no_jurisdiction")).toHaveLength(1);
  });

  it("is what the local workerd is", async () => {
    expect(() => (env.ROOMS as unknown as DurableObjectNamespace).jurisdiction("eu")).toThrow(local);
    const log: LogEntry[] = [];
    shared().rooms.set("main", definition);
    const { app } = serve({ jurisdiction: () => "eu" }, (entry) => log.push(entry));
    const answer = await app.request("/parties/main/room-local/none", {}, env);
    expect([answer.status, log.map(({ event }) => event)]).toEqual([404, ["no_jurisdiction"]]);
  });

  it.each(["This account has no jurisdictions", "Invalid jurisdiction: eu", "internal error"])(
    "is not assumed for any other error, which is a failure of the service: %s",
    async (refusal) => {
      const { asked, env: own } = bindings(refusal);
      const log: LogEntry[] = [];
      const { app } = serve({ jurisdiction: "eu" }, (entry) => log.push(entry));
      const answer = await app.request("/parties/main/room-1", {}, own);
      expect([answer.status, asked]).toEqual([500, []]);
      expect(log.map(({ level }) => level)).toEqual(["error"]);
    },
  );
});

it("createRooms refuses unknown locations", () => {
  expect(() => serve({ jurisdiction: "EU" as never })).toThrow("jurisdiction has to be one of eu, us");
  expect(() => serve({ locationHint: "europe" as never })).toThrow("locationHint has to be one of wnam, enam");
  expect(() => serve({ jurisdiction: () => undefined, locationHint: () => "oc" })).not.toThrow();
});
