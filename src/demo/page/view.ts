import type { ClientState } from "../../client/index.ts";
import type { gameRoom } from "../game-room.ts";

/** The room's state as its clients see it: the types are those of the room itself. */
export type State = ClientState<typeof gameRoom>;
/** Of others there is no treasure. */
export type PlayerView = State["players"][string] & { readonly treasure?: unknown };
export type CoinView = State["coins"][string];

/** The data that the page draws. */
export interface GameView extends State {
  /** One's own publicId. */
  readonly pId: string;
  readonly me: State["players"][string] | undefined;
  /** How long the server takes to answer, in ms, once that is known. */
  readonly latency: number | undefined;
}
