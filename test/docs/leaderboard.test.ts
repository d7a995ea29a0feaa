import { beforeEach, expect, it } from "vitest";
import { shared } from "../../src/testing/registry.ts";
import { TestRoom } from "../support/harness.ts";
import { leaderboard, round } from "./extracted/leaderboard.ts";

beforeEach(() => {
  shared().rooms.set("boards", leaderboard).set("rounds", round);
});

it("the leaderboard across rooms has each game once, after a crash of it and of a game too", async () => {
  const board = new TestRoom(leaderboard, "board-all", "boards");
  const watcher = await board.connect();
  const best = () => (watcher.state as { best: { game: string; points: number }[] }).best;
  const games = await Promise.all(
    ["round-1", "round-2"].map(async (id) => {
      const room = new TestRoom(round, id, "rounds");
      return { room, client: await room.connect({ id: "ada" }) };
    }),
  );
  for (const { client } of games) {
    await client.call("score");
    await client.call("finish");
  }
  await watcher.sees(({ best: scores }: { best: unknown[] }) => scores.length === 2);
  expect(best()).toEqual([
    { game: "round-1", name: "?", points: 1 },
    { game: "round-2", name: "?", points: 1 },
  ]);
  await Promise.all(games.map(({ room }) => room.inside((_state, core) => core.handle.flush())));
  await board.crash();
  const again = await board.connect();
  const room = new TestRoom(round, "round-2", "rounds");
  const client = await room.connect({ id: "ada" });
  await client.call("score");
  await client.call("finish");
  await again.sees(({ best: scores }: { best: { points: number }[] }) => scores[0]?.points === 2);
  expect((again.state as { best: object[] }).best).toEqual([
    { game: "round-2", name: "?", points: 2 },
    { game: "round-1", name: "?", points: 1 },
  ]);
});
