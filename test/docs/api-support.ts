import { token, testRoom } from "../support/harness.ts";
import type { TestRoom } from "../support/harness.ts";
import { gameRoom } from "./api-example.ts";

export const user = await token({});
export const admin = await token({ role: "admin" });

type State = NonNullable<(typeof gameRoom)["types"]>["state"];

/** What clients see of it. */
export interface Seen {
  players: Record<string, { x: number; y: number; online: boolean; hand?: string[] }>;
}

/** A new room of the example. */
export function start(id = "game-1"): TestRoom<State> {
  return testRoom(gameRoom, id);
}

/** The definition's own functions: what a test puts in their place is what rooms call. */
export const definition = gameRoom.compiled.definition as Required<typeof gameRoom.compiled.definition>;

export async function json(response: Response): Promise<[status: number, body: unknown]> {
  return [response.status, await response.json()];
}
