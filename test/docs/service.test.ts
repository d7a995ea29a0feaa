// service.test.ts
import { expect, it } from "vitest";
import { jwt } from "../../src/index.ts";
import { testService } from "../../src/testing/index.ts";
import { worlds } from "../../src/worlds.ts";
import { duelRoom } from "./duel-room.ts";

it("a duel that has begun is found by nobody", async () => {
  const service = await testService({
    rooms: [duelRoom], // what createRooms takes
    world: worlds({ ids: ["world-default"] }),
    auth: jwt({ secret: "AUTH_JWT_SECRET" }),
  });
  const search = { room: duelRoom.path, filter: { mode: "blitz" }, create: { mode: "blitz" } };
  const { roomId } = await service.world().findRoom(search);

  const duel = await service.room(duelRoom, { id: roomId }); // what testRoom gives
  const ada = await duel.createClient({ token: await service.token({ sub: "ada" }) }); // a real token
  const bob = await duel.createClient({ world: "world-default" }); // at a shard
  await ada.call("begin");
  await service.advance(1000); // for all rooms, Worlds and shards
  expect((await service.world().findRoom(search)).roomId).not.toBe(roomId);

  await service.shard(bob.shardId ?? "").crash();
  await service.expectConverged(); // of all rooms
  expect((await service.fetch(`/parties/main/${roomId}/$metrics`)).status).toBe(401); // as anybody may ask the Worker
});
