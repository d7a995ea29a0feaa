import { connectionRoom } from "@signe/sync/client";
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
  const { conn, emit, on, close } = await connectionRoom(
    {
      host: location.host,
      protocol: location.protocol === "https:" ? "wss" : "ws",
      room: encodeURIComponent(`game-${room}`),
      id: session.id,
      query: { token: session.token },
      minReconnectionDelay: 500 + Math.random() * 500,
      maxReconnectionDelay: 8000,
      reconnectionDelayGrowFactor: 1.5,
      // A step that comes a minute late is worth nothing.
      maxEnqueuedMessages: 0,
      shouldReconnectOnClose: ({ code }) => !isFinal(code),
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
    if (isFinal(code)) enter("offline", reason, code);
    else enter("reconnecting", reason);
  });
  on("error", ({ message }: { message: string }) => events.refused(message));
  on("found", (treasure: { name: string; worth: number }) => events.found(treasure));

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
