import { testService } from "durable-rooms/testing";
import { worlds } from "durable-rooms/worlds";
import { expect, it } from "vitest";
import { matchRoom } from "../src/match-room";
import type { MatchListing } from "../src/match-room";

/** The service, and the request of the button "Quick match". */
async function lobby() {
  const service = await testService({ rooms: [matchRoom], world: worlds({ ids: ["world-default"] }) });
  const world = service.world();
  const quickMatch = (mode: string, skill: number) =>
    world.findRoom<MatchListing>({
      room: matchRoom.path,
      filter: { mode: mode as MatchListing["mode"], skill: { gte: skill - 1, lte: skill + 1 } },
      create: { mode, skill: String(skill) },
    });
  return { service, world, quickMatch };
}

it("players of similar skill meet, and others get another room", async () => {
  const { quickMatch } = await lobby();
  const first = await quickMatch("sprint", 3);
  expect(first).toMatchObject({ metadata: { mode: "sprint", skill: 3 }, users: 0, maxUsers: 4 });
  expect((await quickMatch("sprint", 4)).roomId).toBe(first.roomId);
  expect((await quickMatch("sprint", 1)).roomId).not.toBe(first.roomId);
  expect((await quickMatch("marathon", 3)).roomId).not.toBe(first.roomId);
});

it("a race that has begun is locked, and only its players can return", async () => {
  const { service, world, quickMatch } = await lobby();
  const { roomId } = await quickMatch("marathon", 5);
  const { createClient, expectConverged } = await service.room(matchRoom, { id: roomId });
  const ada = await createClient({ id: "ada" });
  const bob = await createClient({ id: "bob" });
  await ada.call("ready", true);
  await bob.call("ready", true);
  expect(bob.state.phase).toBe("racing");
  const listed = () => world.listRooms({ room: matchRoom.path, filter: { mode: "marathon" } });
  await service.advance(1000); // a room reports to its World once per second
  expect(await listed()).toMatchObject([{ roomId, locked: true, users: 2 }]);
  expect((await quickMatch("marathon", 5)).roomId).not.toBe(roomId);
  await expect(createClient({ id: "cleo" })).rejects.toMatchObject({ code: 4503 });
  bob.close();
  const back = await createClient({ id: "bob" });
  for (let tap = 0; tap < 60; tap++) {
    if (tap % 20 === 19) await service.advance(5000);
    await back.call("tap");
  }
  expect(ada.state).toMatchObject({ phase: "over", winner: back.publicId });
  await ada.call("again");
  await service.advance(1000);
  expect(await listed()).toContainEqual(expect.objectContaining({ roomId, locked: false, users: 2 }));
  await expectConverged();
});

it("no room of an unknown kind is created", async () => {
  const { service, quickMatch } = await lobby();
  await expect(quickMatch("chess", 3)).rejects.toMatchObject({ status: 400 });
  await expect(quickMatch("sprint", 99)).rejects.toMatchObject({ status: 400 });
  const { createClient } = await service.room(matchRoom, { id: "match-chess-3-x" });
  await expect(createClient()).rejects.toMatchObject({ code: 4403 });
});
