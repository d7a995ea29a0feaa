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
  /** The page is connected to this place now, or is about to be. */
  place(place: Place): void;
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
/** The shard is gone, or full: the World knows another one. */
const isElsewhere = (code: number): boolean => code === 4404 || code === 4503;
const RETRY = 1000;

/** Connects to a room with the client of `@signe/sync`, as it is. */
export async function connectGame(room: string, session: Session, events: GameEvents): Promise<Game> {
  const view = new GameView();
  let phase: Phase = "connecting";
  let isFirstPacket = true;
  let hasLeft = false;
  const enter = (next: Phase, reason = "", code?: number): void => {
    phase = next;
    events.status({ phase, reason, ...(code !== undefined && { code }) });
  };

  enter("connecting");
  const roomId = `game-${room}`;
  const place = await findPlace(roomId, session);
  events.place(place);
  const { conn, emit, on, close } = await connectionRoom(
    {
      host: location.host,
      protocol: location.protocol === "https:" ? "wss" : "ws",
      ...place,
      id: session.id,
      query: { token: session.token },
      minReconnectionDelay: 500 + Math.random() * 500,
      maxReconnectionDelay: 8000,
      reconnectionDelayGrowFactor: 1.5,
      // A step that comes a minute late is worth nothing.
      maxEnqueuedMessages: 0,
      shouldReconnectOnClose: ({ code }) => !isFinal(code) && !(session.via === "world" && isElsewhere(code)),
    },
    view,
  );

  conn.addEventListener("open", () => (isFirstPacket = true));
  // Only this property is called before the listener that loads the packet into the view.
  // oxlint-disable-next-line unicorn/prefer-add-event-listener
  conn.onmessage = () => {
    if (isFirstPacket) view.reset();
  };
  conn.addEventListener("message", () => {
    if (isFirstPacket) enter("online");
    isFirstPacket = false;
    events.change();
  });
  conn.addEventListener("close", ({ code, reason }) => {
    if (hasLeft) return;
    if (session.via === "world" && isElsewhere(code)) void move();
    else if (isFinal(code)) enter("offline", reason, code);
    else enter("reconnecting", reason);
  });
  on("error", ({ message }: { message: string }) => events.refused(message));
  on("found", (treasure: { name: string; worth: number }) => events.found(treasure));

  /** Asks the World for another shard, until it has one. */
  const move = async (): Promise<void> => {
    enter("reconnecting");
    const next = await findPlace(roomId, session).catch(() => undefined);
    if (hasLeft) return;
    if (!next) {
      setTimeout(() => void move(), RETRY);
      return;
    }
    events.place(next);
    conn.updateProperties({ ...conn.partySocketOptions, ...next });
    conn.reconnect();
  };

  // The browser knows first that there is a network again.
  const retry = (): void => {
    if (phase === "reconnecting") conn.reconnect();
  };
  window.addEventListener("online", retry);

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
      window.removeEventListener("online", retry);
      close();
      enter("offline", "You have left");
    },
  };
}
