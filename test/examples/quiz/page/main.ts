import { connectRoom, findRoom, listRooms, tabSession, tabStorage } from "durable-rooms/client";
import type { RoomClient } from "durable-rooms/client";
import type { boardRoom } from "../src/board-room";
import type { QuizListing, quizRoom } from "../src/quiz-room";

const REFRESH = 1000;
const { host } = location;
const search = { host, room: "quiz-{id}" };

const at = <T extends HTMLElement = HTMLElement>(id: string) => document.getElementById(id) as T;
const name = at<HTMLInputElement>("name");
const act = at<HTMLButtonElement>("act");

let quiz: RoomClient<typeof quizRoom> | undefined;
let isWatching = false;
/** The player's choice, which only this page knows. */
let chosen: { round: number; choice: number } | undefined;

const board = connectRoom<typeof boardRoom>({ host, party: "boards", room: "board-all", spectator: true });
board.subscribe(({ best }) => {
  at("best").replaceChildren(...best.map((score) => make("li", "", score.name, make("b", "", String(score.points)))));
});

/** Finds a quiz that has not begun, or creates one. The client calls it until a quiz accepts the player. */
const findQuiz = async () => (await findRoom<QuizListing>({ ...search, create: true })).roomId;

function play(room: string | (() => Promise<string>)): void {
  isWatching = false;
  enter(connectRoom<typeof quizRoom>({ host, room, id: tabSession(), params: () => ({ name: name.value }) }));
}

function watch(room: string): void {
  isWatching = true;
  enter(connectRoom<typeof quizRoom>({ host, room, spectator: true }));
}

function enter(client: RoomClient<typeof quizRoom>): void {
  quiz = client;
  client.on("status", show);
  client.on("closed", ({ reason }) => leave(reason));
  client.subscribe(show);
  show();
}

function leave(why = ""): void {
  quiz?.close();
  quiz = undefined;
  history.replaceState(null, "", " ");
  show();
  at("status").textContent = why;
  void refresh();
}

async function refresh(): Promise<void> {
  if (quiz || document.hidden) return;
  const rooms = await listRooms<QuizListing>(search).catch(() => []);
  const seen = rooms
    .filter(({ users }) => users > 0)
    .map(({ roomId, users, metadata }) => {
      const button = make("button", "", "Watch");
      button.onclick = () => watch(roomId);
      return make("li", "", `${users} playing`, make("small", "", metadata.phase), button);
    });
  at("quizzes").replaceChildren(...seen);
  at("empty").hidden = seen.length > 0;
}

const STATUS = { connecting: "Looking for a quiz …", open: "", reconnecting: "Reconnecting …", closed: "" };
const ACTS = { lobby: "Start", question: "", result: "Next", over: "" };

/** Draws the quiz. Everything that it shows follows from its state. */
function show(): void {
  at("lobby").hidden = quiz !== undefined;
  at("quiz").hidden = quiz === undefined;
  if (!quiz) return;
  const { state, status, publicId = "", room } = quiz;
  at("status").textContent = status === "open" && isWatching ? "You watch" : STATUS[status];
  if (room !== undefined) history.replaceState(null, "", `#${isWatching ? "watch:" : ""}${room}`);
  if (!state.players) return;

  const titles = {
    lobby: "It begins soon",
    question: state.question?.text,
    result: state.question?.text,
    over: "It is over",
  };
  at("title").textContent = titles[state.phase] ?? "";
  at("time").hidden = state.phase !== "question";
  const choices = state.phase === "lobby" ? [] : (state.question?.choices ?? []);
  at("choices").replaceChildren(...choices.map(drawChoice));
  at("players").replaceChildren(
    ...Object.entries(state.players).map(([id, player]) => {
      const marks = [id === state.host && "host", id === publicId && "you", player.hasAnswered && "answered"];
      const row = make(
        "li",
        player.online ? "" : "away",
        player.name,
        make("small", "", marks.filter(Boolean).join(", ")),
      );
      row.append(make("b", "", String(player.points)));
      return row;
    }),
  );
  act.textContent = ACTS[state.phase];
  act.hidden = act.textContent === "" || state.host !== publicId;
  at("hint").textContent = act.hidden && ACTS[state.phase] !== "" ? "The host goes on." : "";
}

function drawChoice(text: string, choice: number): HTMLElement {
  const { state, publicId = "" } = quiz as RoomClient<typeof quizRoom>;
  const isOurs = chosen?.round === state.round && chosen.choice === choice;
  const isRight = state.answer === choice;
  const button = make("button", `choice ${isOurs ? "ours" : ""} ${isRight ? "right" : ""}`, text) as HTMLButtonElement;
  button.disabled = state.phase !== "question" || isWatching || state.players[publicId]?.hasAnswered === true;
  button.onclick = () => {
    chosen = { round: state.round, choice };
    quiz?.call("answer", choice).catch(({ message }: Error) => (at("status").textContent = message));
  };
  return button;
}

function make(tag: string, className: string, ...children: (Node | string)[]): HTMLElement {
  const element = document.createElement(tag);
  element.className = className;
  element.append(...children);
  return element;
}

act.onclick = () => quiz?.emit(quiz.state.phase === "lobby" ? "start" : "next");
at("leave").onclick = () => leave();
at("join").onsubmit = (event) => {
  event.preventDefault();
  tabStorage.setItem("name", name.value);
  play(findQuiz);
};
name.value = tabStorage.getItem("name") ?? "";

const [, mode, room] = /^#(watch:)?(quiz-.+)$/.exec(decodeURIComponent(location.hash)) ?? [];
if (room !== undefined && mode) watch(room);
else if (room !== undefined && name.value) play(room);
void refresh();
setInterval(() => void refresh(), REFRESH);
setInterval(() => {
  if (quiz?.status === "open")
    at<HTMLProgressElement>("time").value = Math.max((quiz.state.until - Date.now()) / 1000, 0);
}, 100);
