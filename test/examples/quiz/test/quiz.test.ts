import { testRoom, testService } from "durable-rooms/testing";
import { worlds } from "durable-rooms/worlds";
import { expect, it } from "vitest";
import { boardRoom } from "../src/board-room";
import { QUESTIONS } from "../src/questions";
import { quizRoom, TIME } from "../src/quiz-room";

async function quiz() {
  const service = await testService({ rooms: [quizRoom], parties: { boards: [boardRoom] }, world: worlds() });
  const test = await service.room(quizRoom);
  const ada = await test.createClient({ id: "ada", params: { name: "Ada" } });
  const bob = await test.createClient({ id: "bob", params: { name: "Bob" } });
  const right = () => QUESTIONS.find(({ text }) => text === ada.state.question?.text)?.answer ?? 0;
  return { ...test, service, ada, bob, right };
}

it("the first user is the host, and another user when the host leaves", async () => {
  const { ada, bob } = await quiz();
  expect(bob.state.host).toBe(ada.publicId);
  await expect(bob.call("start")).rejects.toMatchObject({ code: "forbidden" });
  ada.close();
  await bob.until(() => bob.state.host === bob.publicId);
  await bob.call("start");
  expect(bob.state.phase).toBe("question");
});

it("no user is sent the choices of others or the right answer before the end", async () => {
  const { ada, bob, right, createClient, expectConverged } = await quiz();
  const carol = await createClient({ spectator: true });
  await ada.call("start");
  await bob.call("answer", right());
  expect(carol.state.players[bob.publicId]).toMatchObject({ hasAnswered: true, points: 0 });
  for (const client of [ada, bob, carol]) {
    expect(JSON.stringify(client.packets)).not.toMatch(/"choice"|"order"|"answer":\d/);
    expect(client.state.answer).toBeNull();
  }
  await ada.call("answer", (right() + 1) % 4);
  expect(carol.state).toMatchObject({ phase: "result", answer: right() });
  expect([bob, ada].map(({ publicId }) => carol.state.players[publicId]?.points)).toEqual([100, 0]);
  await expectConverged();
});

it("a question ends in time, also in a hibernated room; a user who reloads is the same user", async () => {
  const { ada, bob, right, createClient, server } = await quiz();
  await ada.call("start");
  await bob.call("answer", right());
  await server.evict();
  bob.close();
  const again = await createClient({ id: "bob", params: { name: "Bob" } });
  expect(again.publicId).toBe(bob.publicId);
  await expect(again.call("answer", right())).rejects.toMatchObject({ message: "It is too late" });
  await server.advance(TIME);
  await ada.until(() => ada.state.phase === "result");
  expect(ada.state.players[bob.publicId]?.points).toBe(100);
});

it("an answer that was given counts after a crash", async () => {
  const { ada, bob, right, createClient, server } = await quiz();
  await ada.call("start");
  const answer = right();
  await bob.call("answer", answer);
  await server.crash();
  const back = await createClient({ id: "ada", params: { name: "Ada" } });
  await back.call("answer", (answer + 1) % 4);
  await back.until(() => back.state.phase === "result" || back.state.phase === "question");
  await server.advance(TIME);
  await back.until(() => back.state.phase === "result");
  expect(back.state.players[bob.publicId]?.points).toBe(100);
});

it("users can only watch after it has begun", async () => {
  const { ada, createClient } = await quiz();
  await expect(createClient()).rejects.toMatchObject({ code: 4400 });
  await ada.call("start");
  await expect(createClient({ params: { name: "Eve" } })).rejects.toMatchObject({ code: 4503 });
  const carol = await createClient({ spectator: true });
  await expect(carol.call("answer", 1)).rejects.toMatchObject({ code: "forbidden" });
  expect(Object.keys(carol.state.players)).toHaveLength(2);
});

it("the last question is on the board, and the quiz closes", async () => {
  const { ada, bob, right, service } = await quiz();
  const board = await service.room(boardRoom, { id: "board-all" });
  const page = await board.createClient({ spectator: true });
  await ada.call("start");
  for (let round = 0; round < 3; round++) {
    await bob.call("answer", right());
    await ada.call("answer", (right() + 1) % 4);
    if (round < 2) await ada.call("next");
    await service.advance(1000); // two answers a second at most
  }
  expect(ada.state.phase).toBe("over");
  await service.advance(1000);
  const quizId = "quiz-test";
  expect(page.state.best).toEqual([
    { quiz: quizId, name: "Bob", points: 300 },
    { quiz: quizId, name: "Ada", points: 0 },
  ]);
  await service.advance(120_000);
  expect((await ada.closed).reason).toBe("The quiz is over");
  await service.expectConverged();
});

it("the board takes points only from quizzes, and once from each", async () => {
  const { room, createClient } = await testRoom(boardRoom);
  const page = await createClient({ spectator: true });
  await room.call("add", {
    players: [
      { name: "Ada", points: 100 },
      { name: "Bob", points: 200 },
    ],
  });
  await room.call("add", { players: [{ name: "Ada", points: 300 }] });
  expect(page.state.best).toEqual([{ quiz: "caller", name: "Ada", points: 300 }]);
  await expect(page.call("add", { players: [] })).rejects.toMatchObject({ code: "forbidden" });
  await expect(createClient()).rejects.toMatchObject({ code: 4403 });
});
