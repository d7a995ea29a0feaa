import { token, testRoom } from "../support/harness.ts";
import type { TestRoom } from "../support/harness.ts";
import { gameRoom } from "./api-example.ts";

export const user = await token({});
export const admin = await token({ role: "admin" });

type State = NonNullable<(typeof gameRoom)["types"]>["state"];

/** The state that clients see. */
export interface Seen {
  players: Record<string, { x: number; y: number; online: boolean; hand?: string[] }>;
}

/** Creates a new room of the example. */
export function start(id = "game-1"): TestRoom<State> {
  return testRoom(gameRoom, id);
}

/** The functions of the definition. A test can replace them, and rooms then call the replacements. */
export const definition = gameRoom.compiled.definition as Required<typeof gameRoom.compiled.definition>;

export async function json(response: Response): Promise<[status: number, body: unknown]> {
  return [response.status, await response.json()];
}
