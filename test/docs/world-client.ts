// client.ts, in the browser
import { signal } from "@signe/reactive";
import { connectionWorld } from "@signe/sync/client";

const crowd = { players: signal<Record<string, { x: number; y: number }>>({}) };
const { emit } = await connectionWorld({ host: location.origin, room: "game-1", id: "a private id" }, crowd);
emit("move", { x: 1, y: 2 });
