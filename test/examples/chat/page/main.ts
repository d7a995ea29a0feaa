import { connectRoom, tabSession, tabStorage } from "durable-rooms/client";
import type { ClientState, RoomClient } from "durable-rooms/client";
import type { chatRoom } from "../src/chat-room";

const TOPICS = ["general", "random", "games"];
/** A user who writes nothing for this long is no longer typing. ms */
const PAUSE = 3000;

type Message = ClientState<typeof chatRoom>["messages"][string];

const at = <T extends HTMLElement = HTMLElement>(id: string) => document.getElementById(id) as T;
const [name, text, list] = [at<HTMLInputElement>("name"), at<HTMLInputElement>("text"), at("messages")];
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

let chat: RoomClient<typeof chatRoom>;
let isTyping = false;
let pause: ReturnType<typeof setTimeout>;
/** The last problem. It is cleared when something else is sent. */
let problem = "";

const topicOf = () => location.hash.slice(1) || "general";

function enter(): void {
  chat?.close();
  isTyping = false;
  problem = "";
  list.replaceChildren();
  chat = connectRoom<typeof chatRoom>({ host: location.host, room: `chat-${topicOf()}`, id: tabSession() });
  chat.emit("rename", name.value);
  // Each part is drawn only when it has changed: "is typing" does not draw the messages again.
  chat.select(({ messages }) => messages, drawMessages);
  chat.select(({ members }) => members, drawMembers);
  chat.on("status", drawMembers);
  chat.on("error", report); // errors that answer no call, such as too many messages
  chat.on("closed", ({ reason }) => {
    problem = `${reason}. Load the page again to come back.`;
    drawMembers();
  });
  drawRooms();
  drawMembers();
}

function drawRooms(): void {
  const topics = TOPICS.includes(topicOf()) ? TOPICS : [...TOPICS, topicOf()];
  at("rooms").replaceChildren(
    ...topics.map((topic) => {
      const link = make("a", topic === topicOf() ? "here" : "", `# ${topic}`) as HTMLAnchorElement;
      link.href = `#${topic}`;
      return link;
    }),
  );
  at("title").textContent = `# ${topicOf()}`;
}

function drawMembers(): void {
  const members = Object.entries(chat.state.members ?? {}).filter(([, member]) => member.online);
  at("members").textContent = members.map(([, member]) => member.name).join(", ");
  const typing = members
    .filter(([id, member]) => member.isTyping && id !== chat.publicId)
    .map(([, member]) => member.name);
  const verb = typing.length === 1 ? "is" : "are";
  const who = typing.length > 3 ? "Several people are typing …" : `${typing.join(", ")} ${verb} typing …`;
  const isConnecting = chat.status === "connecting" || chat.status === "reconnecting";
  at("typing").textContent = isConnecting ? "Connecting …" : problem || (typing.length > 0 ? who : "");
}

/** Adds new messages and removes deleted ones. Other elements stay unchanged. */
function drawMessages(messages: Readonly<Record<string, Message>> = {}): void {
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
  for (const element of [...list.children]) if (!messages[element.id]) element.remove();
  for (const key of Object.keys(messages).toSorted()) {
    if (!document.getElementById(key)) list.append(drawMessage(key, messages[key] as Message));
  }
  if (isAtEnd) list.scrollTop = list.scrollHeight;
}

function drawMessage(key: string, { by, name: author, text: words, at: time }: Message): HTMLElement {
  const isMine = by === chat.publicId;
  const head = make("small", "", isMine ? "" : `${author} `, make("time", "", clock.format(time)));
  const element = make("li", isMine ? "mine" : "", head, make("p", "", words));
  element.id = key;
  if (isMine) {
    const remove = make("button", "remove", "Remove");
    remove.onclick = () => void chat.call("remove", key).catch(report);
    head.prepend(remove, " ");
  }
  return element;
}

function report({ message }: { message: string }): void {
  if (chat.status === "closed") return; // the reason for closing is shown already
  problem = message;
  drawMembers();
}

/** Tells the room when typing begins, and when it ends. */
function setTyping(isNow: boolean): void {
  clearTimeout(pause);
  if (isNow) pause = setTimeout(() => setTyping(false), PAUSE);
  if (isNow === isTyping) return;
  isTyping = isNow;
  chat.emit("typing", isNow);
}

function make(tag: string, className: string, ...children: (Node | string)[]): HTMLElement {
  const element = document.createElement(tag);
  element.className = className;
  element.append(...children);
  return element;
}

at("form").onsubmit = (event) => {
  event.preventDefault();
  const words = text.value.trim();
  if (!words) return;
  text.value = "";
  problem = "";
  clearTimeout(pause);
  isTyping = false; // the room ends it with the message
  // The call waits while there is no connection. If its answer is lost, it is sent again, and never runs twice.
  chat.call("say", words).catch((error: Error) => {
    text.value ||= words;
    report(error);
  });
};
text.oninput = () => setTyping(text.value !== "");
name.value = tabStorage.getItem("name") ?? `Guest ${Math.ceil(Math.random() * 99)}`;
name.onchange = () => {
  tabStorage.setItem("name", name.value);
  chat.emit("rename", name.value);
};
addEventListener("hashchange", enter);
enter();
