import type { signal as Signal } from "@signe/reactive";
import type { expect as Expect } from "vitest";
import type { Connection, RoomHandle, sync as Sync } from "durable-rooms";
import type { RoomClient } from "durable-rooms/client";
import type { gameRoom as GameRoom, leaderboard as Leaderboard } from "./worker.ts";

/** Names that examples of docstrings use without importing them. */
declare global {
  const signal: typeof Signal;
  const sync: typeof Sync;
  const expect: typeof Expect;
  const gameRoom: typeof GameRoom;
  const leaderboard: typeof Leaderboard;
  const game: RoomClient<typeof GameRoom>;
  const room: RoomHandle;
  const state: ReturnType<(typeof GameRoom.compiled.definition)["state"]> & { phase(): string };
  const publicId: string;
  const conn: Connection;
  const user: object;
  const jwt: string;
  const render: (state: object) => void;
  const keys: { readonly x: number; readonly y: number };
  const step: (
    me: { readonly x: number },
    input: { readonly x: number },
    context: { readonly dt: number },
  ) => { x: number };
  const drawPlayer: (id: string, x: number) => void;
}
