import { defineRoom, signal, sync, users } from "../../src/index.ts";

class Player {
  score = sync(signal(0));
}

export const quiz = defineRoom({
  path: "quiz-{id}",
  expireAfter: 86_400_000, // a day without visitors
  state: () => ({ questions: sync(signal<string[]>([])), players: users(Player) }),

  // Once in the life of this room.
  async onCreate({ state, room }) {
    const answer = await fetch(`https://example.com/quizzes/${room.params["id"]}`);
    state.questions.set(await answer.json<string[]>());
  },
  onLeave({ user, reason }) {
    if (reason === "kicked") console.log(`removed with ${user.score()} points`);
  },
  onExpire: ({ publicId, user, reason }) => console.log(publicId, user?.score(), reason),
  async onDestroy({ state, room, reason }) {
    const scores = Object.values(state.players()).map((player) => player.score());
    await room.fetch("archive", "/quizzes", { method: "POST", body: JSON.stringify({ scores, reason }) });
  },

  actions: {
    finish: { run: ({ room }) => room.destroy({ reason: "The quiz is over" }) },
    leaveForGood: { run: ({ room, conn }) => room.forget(conn.publicId) },
  },
});
