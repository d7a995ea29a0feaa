import { signal } from "@signe/reactive";
import { parseHTML } from "linkedom";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { z } from "zod";
import { defineRoom } from "../../src/define/define-room.ts";
import type { Interpolation, Prediction } from "../../src/netcode/index.ts";
import { useFrame, useInterpolation, usePrediction } from "../../src/react/index.ts";
import { users } from "../../src/app/users.ts";
import { sync } from "../../src/state/fields.ts";
import { VirtualNetwork } from "../netcode/virtual-network.ts";

// React looks for a document when it is imported.
const { window, document } = parseHTML("<html><body></body></html>");
const frames = new Map<number, (now: number) => void>();
let lastFrame = 0;
Object.assign(globalThis, {
  window,
  document,
  IS_REACT_ACT_ENVIRONMENT: true,
  requestAnimationFrame: (run: (now: number) => void) => (frames.set(++lastFrame, run), lastFrame),
  cancelAnimationFrame: (frame: number) => frames.delete(frame),
});
const { act, createElement, StrictMode } = await import("react");
const { createRoot } = await import("react-dom/client");

class Player {
  x = sync(signal(0));
}
const step = (me: { readonly x: number }, { by }: { readonly by: number }) => ({ x: me.x + by });
const room = defineRoom({
  path: "r",
  throttleSync: 0,
  state: () => ({ players: users(Player) }),
  tick: { hz: 20 },
  inputs: { move: { input: z.object({ by: z.number() }), step } },
});

beforeEach(() => {
  // React schedules its work with functions that stay real.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] });
  frames.clear();
});
afterEach(() => {
  vi.useRealTimers();
});

it("predicts and interpolates while the component is mounted, with the latest functions, also in StrictMode", async () => {
  const network = new VirtualNetwork<{ players(): Record<string, Player> }>(room, () => 30);
  const game = network.connect<typeof room>();
  let me: Prediction<{ x: number }, { by: number }> | undefined;
  let others: Interpolation<{ readonly x: number }> | undefined;
  let drawn: (number | undefined)[] = [];
  const View = ({ by }: { by: number }) => {
    me = usePrediction(game, { input: "move", step, sample: () => ({ by }) });
    others = useInterpolation(game, (state) => state.players);
    useFrame((now) => drawn.push(me?.frame(now)?.x));
    return null;
  };
  const root = createRoot(document.body.appendChild(document.createElement("div")));
  const show = (by: number) =>
    act(async () => root.render(createElement(StrictMode, null, createElement(View, { by }))));
  const pass = async (count: number) => {
    for (let frame = 0; frame < count; frame++) {
      await network.pass(16);
      const due = [...frames];
      frames.clear();
      for (const [, run] of due) run(performance.now());
    }
  };
  await show(1);
  await pass(60);
  expect(me?.entry?.x).toBeGreaterThan(10);
  // StrictMode created two predictions, and stopped one: there is one input per tick, and not two.
  expect(me?.entry?.x).toBeLessThan(25);
  expect(drawn.at(-1)).toBeGreaterThan(drawn.find((x) => x !== undefined) ?? 0);
  expect(Object.keys(others?.at() ?? {})).toEqual([game.publicId]);
  const before = me;
  await show(100);
  await pass(20);
  expect(me).toBe(before);
  expect(me?.entry?.x).toBeGreaterThan(400);
  expect(me?.corrections).toBe(0);
  await act(async () => root.unmount());
  drawn = [];
  await pass(10);
  expect(drawn).toEqual([]);
  expect(frames.size).toBe(0);
  const { pending } = before ?? {};
  await network.pass(500);
  expect(before?.pending).toBe(pending);
});
