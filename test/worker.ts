import { createWorldTargets } from "../src/app/world-targets.ts";
import { createApp } from "../src/app/app.ts";
import { createOperators } from "../src/auth/operators.ts";
import { createVerifier } from "../src/auth/verify.ts";
import { createFindWorld } from "../src/objects/world-object.ts";
import { ANYWHERE } from "../src/objects/places.ts";
import { inspector } from "../src/inspector/index.ts";
import { RoomObject as TestedRoom, WorldObject as TestedWorld } from "../src/testing/room-object.ts";
import { ShardObject as TestedShard } from "../src/testing/shard-object.ts";
import { findRoom } from "../src/testing/registry.ts";
import { createLog } from "../src/platform/log.ts";
import { checkWorldConfig } from "../src/world/settings.ts";

/** The Worker that runs in the tests: it serves all rooms that they register, and checks their tokens. */
export class RoomObject extends inspector.room(TestedRoom) {}
export class ShardObject extends inspector.shard(TestedShard) {}

const findWorld = createFindWorld(findRoom, checkWorldConfig({ shardCapacity: 3 }), createLog(), ANYWHERE);

export class WorldObject extends inspector.room(TestedWorld) {
  /** Also finds Worlds that belong to no service under test. */
  protected override find(party: string, id: string): ReturnType<typeof findWorld> {
    return super.find(party, id) ?? findWorld(party, id);
  }

  // Shards that a test assigned itself have the World "none".
  override async fetch(request: Request): Promise<Response> {
    return this.ctx.id.name === "world/none" ? Response.json({ success: true }) : super.fetch(request);
  }
}

const verify = createVerifier({ secret: "AUTH_JWT_SECRET" });

export default createApp({
  find: findRoom,
  verify,
  cors: { origin: "*" },
  findWorldTarget: createWorldTargets(undefined),
  operators: createOperators("AUTH_JWT_SECRET"),
  log: createLog(),
  inspector,
});
