import { connected, defineRoom, persist, RoomError, signal, sync, users } from "durable-rooms";
import type { Guard, RoomHandle } from "durable-rooms";
import * as z from "zod";
import { boardRoom } from "./board-room";
import { QUESTIONS } from "./questions";

const ROUNDS = 3;
const POINTS = 100;
/** The time to answer a question. ms */
export const TIME = 12_000;
/** How long the result is shown before the quiz closes. ms */
const REST = 120_000;
const BOARD = { party: "boards", id: "board-all" };

/** The public data of a quiz in the list of rooms. */
export type QuizListing = { phase: "lobby" | "question" | "result" | "over" };

class Player {
  name = sync(signal(""));
  points = sync(signal(0));
  hasAnswered = sync(signal(false));
  /** Not sent to anyone, because it would show which answers are popular. */
  choice = persist(signal<number | null>(null));
  /** Whether the player was there when the quiz began. Only these players may return during the quiz. */
  isPlaying = persist(signal(false));
  online = connected();
}
const makeState = () => ({
  phase: sync(signal<QuizListing["phase"]>("lobby")),
  host: sync(signal("")),
  round: sync(signal(0)),
  question: sync(signal<{ text: string; choices: readonly string[] } | null>(null)),
  /** The right choice. It is set when nobody can answer any more. */
  answer: sync(signal<number | null>(null)),
  /** When the time to answer ends, in ms since 1970. */
  until: sync(signal(0)),
  /** The order of the questions, which only the room knows. */
  order: persist(signal<number[]>([])),
  players: users(Player),
});
type State = ReturnType<typeof makeState>;
type Room = Pick<RoomHandle, "setListing" | "unschedule"> & { schedule(name: Scheduled, when: number): void };
type Scheduled = "deadline" | "report" | "close";

const isHost: Guard<State> = ({ state, conn }) => conn?.publicId === state.host();

export const quizRoom = defineRoom({
  path: "quiz-{id}",
  maxUsers: 8,
  spectators: true,
  join: { input: z.object({ name: z.string().trim().min(1).max(20) }) },
  expireAfter: 600_000,
  throttleStorage: 0, // a given answer counts also after a crash
  state: makeState,

  onCreate: ({ state }) => state.order.set(shuffle(QUESTIONS.keys()).slice(0, ROUNDS)),
  onStart: list,
  onJoin({ state, user, conn, join }) {
    // 4503: the client looks for another quiz.
    if (state.phase() !== "lobby" && !user.isPlaying()) throw new RoomError("room_full", "The quiz has begun");
    user.name.set(join.name);
    if (!state.players()[state.host()]?.online()) state.host.set(conn.publicId);
  },
  onLeave({ state, conn }) {
    const [next] = Object.entries(state.players()).find(([, player]) => player.online()) ?? [];
    if (state.host() === conn.publicId && next !== undefined) state.host.set(next);
  },

  actions: {
    start: {
      guards: [isHost],
      run({ state, room }) {
        if (state.phase() !== "lobby") throw new RoomError("forbidden", "The quiz has begun");
        for (const player of Object.values(state.players())) player.isPlaying.set(player.online());
        ask(state, room);
      },
    },
    next: {
      guards: [isHost],
      run({ state, room }) {
        if (state.phase() !== "result") throw new RoomError("forbidden", "There is nothing next");
        state.round.update((round) => round + 1);
        ask(state, room);
      },
    },
    answer: {
      input: z.number().int().min(0).max(3),
      rateLimit: { messages: 2, per: 1000 },
      run({ state, user, room }, choice) {
        if (state.phase() !== "question" || user.hasAnswered()) throw new RoomError("forbidden", "It is too late");
        user.choice.set(choice);
        user.hasAnswered.set(true);
        if (playing(state).every((player) => player.hasAnswered() || !player.online())) reveal(state, room);
      },
    },
  },

  schedules: {
    deadline: { run: ({ state, room }) => reveal(state, room) },
    /** Runs again until the board has accepted the scores. */
    report: {
      async run({ state, room }) {
        const players = playing(state).map(({ name, points }) => ({ name: name(), points: points() }));
        await room.call(boardRoom, BOARD, "add", { players });
      },
    },
    close: { run: ({ room }) => room.destroy({ reason: "The quiz is over" }) },
  },
});

function ask(state: State, room: Room): void {
  const question = QUESTIONS[state.order()[state.round()] ?? 0];
  if (!question) return;
  for (const player of playing(state)) {
    player.choice.set(null);
    player.hasAnswered.set(false);
  }
  state.question.set({ text: question.text, choices: question.choices });
  state.answer.set(null);
  state.until.set(Date.now() + TIME);
  state.phase.set("question");
  room.schedule("deadline", TIME);
  list({ state, room });
}

/** Ends the question, and shows the right answer to everybody. */
function reveal(state: State, room: Room): void {
  if (state.phase() !== "question") return;
  const { answer = null } = QUESTIONS[state.order()[state.round()] ?? 0] ?? {};
  state.answer.set(answer);
  for (const player of playing(state)) {
    if (player.choice() === answer) player.points.update((points) => points + POINTS);
  }
  room.unschedule("deadline");
  const isLast = state.round() === ROUNDS - 1;
  state.phase.set(isLast ? "over" : "result");
  if (isLast) {
    room.schedule("report", 0);
    room.schedule("close", REST);
  }
  list({ state, room });
}

function playing(state: State): Player[] {
  return Object.values(state.players()).filter((player) => player.isPlaying());
}

/** Updates the room's entry in the list. Without a change, this costs nothing. */
function list({ state, room }: { state: State; room: Pick<RoomHandle, "setListing"> }): void {
  const phase = state.phase();
  room.setListing({ phase }, { locked: phase !== "lobby" });
}

function shuffle<T>(items: Iterable<T>): T[] {
  return Array.from(items, (item) => ({ item, at: Math.random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
