import { connectionRoom } from "@signe/sync/client";
import { findPlace } from "./place.ts";
import type { Place } from "./place.ts";
import type { Session } from "./session.ts";
import { GameView } from "./view.ts";

export type Phase = "connecting" | "online" | "reconnecting" | "offline";

export interface Status {
  readonly phase: Phase;
  /** Why the connection ended, if somebody said so. */
  readonly reason: string;
  /** The code that it was closed with, where it will not come back by itself. */
  readonly code?: number;
}

export interface GameEvents {
  status(status: Status): void;
  /** Something of the view changed. */
  change(): void;
  /** Something that the player did was refused. */
  refused(message: string): void;
  found(treasure: { name: string; worth: number }): void;
  /** The page is online, at this place. */
  arrived(place: Place): void;
}

/** What the player can do. While there is no connection, nothing happens. */
export interface Game {
  readonly view: GameView;
  readonly isOnline: boolean;
  move(dx: number, dy: number): void;
  say(text: string): void;
  paint(colour: string): void;
  leave(): void;
}

/** Codes from 4400 to 4499 say that trying again changes nothing. */
const isFinal = (code: number): boolean => code >= 4400 && code < 4500;
/** The shard is gone, or full: the World may know another one. */
const isElsewhere = (code: number, { via }: Session): boolean => via === "world" && (code === 4404 || code === 4503);
/** Time before the World is asked again in ms. Not everyone whose shard is gone asks at once. */
const pause = (): number => 1000 + Math.random() * 1000;

/** Connects to a room with the client of `@signe/sync`, as it is. */
export async function connectGame(room: string, session: Session, events: GameEvents): Promise<Game> {
  const view = new GameView();
  let phase: Phase = "connecting";
  let place: Place | undefined;
  let isFirstPacket = true;
  let hasLeft = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const enter = (next: Phase, reason = "", code?: number): void => {
    phase = next;
    events.status({ phase, reason, ...(code !== undefined && { code }) });
  };

  enter("connecting");
  const { conn, emit, on, close } = await connectionRoom(socketOptions(session), view);

  /** Looks for a place, and connects to it. */
  const seek = async (): Promise<void> => {
    clearTimeout(timer);
    const found = await findPlace(`game-${room}`, session);
    if (hasLeft || place) return;
    if ("code" in found) return lose(found.code, found.reason);
    place = found;
    conn.updateProperties(place);
    conn.reconnect();
  };
  const lose = (code: number, reason: string): void => {
    if (hasLeft) return;
    if (isElsewhere(code, session)) {
      place = undefined;
      clearTimeout(timer);
      timer = setTimeout(() => void seek(), pause());
    } else if (isFinal(code)) return enter("offline", reason, code);
    enter("reconnecting", reason);
  };

  conn.addEventListener("open", () => (isFirstPacket = true));
  // Only this property is called before the listener that loads the packet into the view.
  // oxlint-disable-next-line unicorn/prefer-add-event-listener
  conn.onmessage = () => {
    if (isFirstPacket) view.reset();
  };
  conn.addEventListener("message", () => {
    if (isFirstPacket) enter("online");
    if (isFirstPacket && place) events.arrived(place);
    isFirstPacket = false;
    events.change();
  });
  conn.addEventListener("close", ({ code, reason }) => lose(code, reason));
  on("error", ({ message }: { message: string }) => events.refused(message));
  on("found", (treasure: { name: string; worth: number }) => events.found(treasure));

  // The browser knows first that there is a network again.
  const retry = (): void => {
    if (phase !== "reconnecting") return;
    if (place) conn.reconnect();
    else void seek();
  };
  window.addEventListener("online", retry);
  void seek();

  const act = (action: string, value: unknown): void => {
    if (phase === "online") emit(action, value);
  };
  return {
    view,
    get isOnline() {
      return phase === "online";
    },
    move: (dx, dy) => act("move", { dx, dy }),
    say: (text) => act("say", text),
    paint: (colour) => act("paint", colour),
    leave() {
      hasLeft = true;
      clearTimeout(timer);
      window.removeEventListener("online", retry);
      close();
      enter("offline", "You have left");
    },
  };
}

/** A socket that waits to be told its place. */
function socketOptions(session: Session): Parameters<typeof connectionRoom>[0] {
  return {
    host: location.host,
    protocol: location.protocol === "https:" ? "wss" : "ws",
    startClosed: true,
    id: session.id,
    query: { token: session.token },
    minReconnectionDelay: 500 + Math.random() * 500,
    maxReconnectionDelay: 8000,
    reconnectionDelayGrowFactor: 1.5,
    // A step that comes a minute late is worth nothing.
    maxEnqueuedMessages: 0,
    shouldReconnectOnClose: ({ code }) => !isFinal(code) && !isElsewhere(code, session),
  };
}
