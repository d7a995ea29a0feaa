import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { costOf } from "../../src/platform/cost.ts";
import { zero } from "../../src/platform/counts.ts";
import { users } from "../../src/app/users.ts";
import { sync } from "../../src/state/fields.ts";
import { MemoryRoom } from "../support/memory.ts";

const [text = ""] = Object.values(
  import.meta.glob("../../docs/costs.md", { query: "?raw", import: "default", eager: true }),
);
const lines = text.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));

const PLAYERS = 1000;
const MONTH = 30 * 24 * 3600;

class Player {
  x = sync(signal(0));
  y = sync(signal(0));
  aim = sync(signal(0), { persist: false });
}
interface Mover {
  readonly room: number;
  readonly throttleStorage?: number;
  /** Frames per second of each player. */
  readonly frames: number;
  readonly isVolatile?: true;
}

/** Counts what a room writes per second, while each of its players moves ten times per second. */
async function rowsOf({ room: size, throttleStorage = 1000, isVolatile }: Mover) {
  const { compiled } = defineRoom({
    path: "r",
    throttleStorage,
    ...(isVolatile && { tick: { hz: 1, run: () => {} } }),
    state: () => ({ players: users(Player) }),
    actions: {
      move: {
        run({ user }, value) {
          const to = value as number;
          for (const field of isVolatile ? [user.aim] : [user.x, user.y]) field.set(to);
        },
      },
    },
  });
  const room = new MemoryRoom<{ players(): Record<string, Player> }>(compiled);
  for (let index = 0; index < size; index++) await room.connect(`p${index}`, null, undefined, "protocol=2");
  let rang = 0;
  const ring = room.ring.bind(room);
  room.ring = () => {
    rang++;
    return ring();
  };
  let to = 0;
  const move = async (seconds: number) => {
    for (let step = 0; step < seconds * 10; step++) {
      to++;
      for (const socket of room.sockets) await room.core.message(socket, JSON.stringify({ action: "move", value: to }));
      await room.advance(100);
    }
  };
  // The first save writes a row for each player, so it is not counted.
  await move(Math.max(5, (2.5 * throttleStorage) / 1000));
  room.storage.writes = room.alarmsSet = rang = 0;
  const seconds = Math.max(10, (2 * throttleStorage) / 1000);
  await move(seconds);
  return { rows: (room.storage.writes + room.alarmsSet) / seconds, alarms: rang / seconds };
}

/** The cost of all players for a month. */
async function monthOf(mover: Mover) {
  const { rows, alarms } = await rowsOf(mover);
  const rooms = PLAYERS / mover.room;
  // This includes the object's counters, which are in the journal too.
  const rowsWritten = rows * rooms * MONTH;
  const messages = mover.frames * PLAYERS * MONTH;
  const counts = { messages, alarms: alarms * rooms * MONTH, rowsWritten, awakeMs: rooms * MONTH * 1000 };
  return { perSecond: rowsWritten / rooms / MONTH, ...costOf({ ...zero(), ...counts }) };
}

const DEFAULTS = { frames: 10 } as const;
const TUNED = { throttleStorage: 10_000, frames: 5 } as const;

describe("docs/costs.md: 1,000 players who move ten times a second for a month", () => {
  it.each<[string, Mover, mostRows: number, mostDollars: number]>([
    ["rooms of 10", { room: 10, ...DEFAULTS }, 2.5, 1300],
    ["rooms of 10, with `throttleStorage: 10_000` and `batch: 200`", { room: 10, ...TUNED }, 2.5, 600],
    [
      "rooms of 10 with a `tick`, where they move in fields with `persist: false`",
      { room: 10, ...DEFAULTS, isVolatile: true },
      0,
      Infinity,
    ],
    ["rooms of 100", { room: 100, ...DEFAULTS }, 4, 350],
    ["rooms of 100, with `throttleStorage: 10_000` and `batch: 200`", { room: 100, ...TUNED }, 4, 150],
  ])("%s", async (name, mover, mostRows, mostDollars) => {
    const { perSecond, requests, duration, rows, total } = await monthOf(mover);
    expect(perSecond).toBeLessThanOrEqual(mostRows);
    expect(total).toBeLessThanOrEqual(mostDollars);
    const shown = lines.find((cells) => cells[1] === name && cells.length === 8);
    const dollars = [requests, duration, rows, total].map((value) => `$${Math.round(value).toLocaleString("en")}`);
    expect(shown?.slice(2, 7)).toEqual([perSecond.toFixed(1), ...dollars]);
  });
});
