import { CallError, connectRoom, connectWorld } from "../../client/index.ts";
import type { ClientStatus } from "../../client/index.ts";
import type { gameRoom } from "../game-room.ts";
import { step } from "../rules.ts";
import type { Colour, Tile } from "../rules.ts";
import type { Session } from "./session.ts";
import type { GameView, State } from "./view.ts";

export interface Status {
  readonly phase: ClientStatus;
  /** Why there is no connection, if somebody said so. */
  readonly reason: string;
  /** The close code, if the client does not reconnect. */
  readonly code?: number;
}

export interface GameEvents {
  status(status: Status): void;
  /** Something of the view changed. */
  change(): void;
  /** Something that the player did was refused. */
  refused(message: string): void;
  found(treasure: { name: string; worth: number }): void;
  /** The page is online: at this shard, or else at the room itself. */
  arrived(shard: string | undefined): void;
}

/** The actions of the player. Without a connection they have no effect. */
export interface Game {
  /** The state of the room. Undefined before the first packet. */
  readonly view: GameView | undefined;
  readonly isOnline: boolean;
  /** Makes a step, and shows it before the room has answered. */
  move(dx: number, dy: number): void;
  say(text: string): void;
  paint(colour: Colour): void;
  leave(): void;
}

export function connectGame(room: string, session: Session, events: GameEvents): Game {
  const connect = session.via === "world" ? connectWorld : connectRoom;
  const client = connect<typeof gameRoom>({
    host: location.host,
    room: `game-${room}`,
    id: session.id,
    token: () => session.token,
    socket: { maxReconnectionDelay: 4000 },
  });
  let reason = "";
  let hasLeft = false;
  const report = (code?: number): void =>
    events.status({ phase: client.status, reason, ...(code !== undefined && { code }) });

  client.on("status", (status) => {
    if (status === "open") reason = "";
    // The event "closed" follows, with the code and the reason.
    if (status !== "closed") report();
    if (status === "open") events.arrived(client.shard);
  });
  client.on("closed", (end) => {
    reason = end.reason;
    report(end.code);
  });
  client.on("error", ({ message }) => {
    if (client.status === "open") return events.refused(message);
    reason = message;
    report();
  });
  client.on("found", (treasure) => events.found(treasure));
  client.subscribe(() => events.change());
  report();

  const isOnline = () => client.status === "open";
  const game: Game = {
    get isOnline() {
      return isOnline();
    },
    get view() {
      const { state, publicId, latency } = client;
      if (publicId === undefined) return undefined;
      return { ...state, pId: publicId, me: state.players[publicId], latency };
    },
    move(dx, dy) {
      const me = game.view?.me;
      if (!isOnline() || !me) return;
      const { publicId = "" } = client;
      const to = step(me, dx, dy);
      client
        .optimistic("move", { dx, dy }, (state) => moved(state, publicId, to))
        .catch((error: unknown) => {
          if (isOnline() && error instanceof CallError) events.refused(error.message);
        });
    },
    // Messages that are a minute late are useless.
    say: (text) => void (isOnline() && client.emit("say", text)),
    paint: (colour) => void (isOnline() && client.emit("paint", colour)),
    leave() {
      if (hasLeft) return;
      hasLeft = true;
      client.close();
      reason = "You have left";
      report();
    },
  };
  return game;
}

function moved(state: State, publicId: string, to: Tile): State {
  const player = state.players[publicId];
  return player ? { ...state, players: { ...state.players, [publicId]: { ...player, ...to } } } : state;
}
