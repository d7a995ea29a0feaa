import { signal } from "@signe/reactive";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { angle, interpolate, number, serverClock, vector } from "../../src/netcode/index.ts";
import { collection, sync } from "../../src/state/fields.ts";
import { randomFrom, VirtualNetwork } from "./virtual-network.ts";

const HZ = 20;
const PERIOD = 1000 / HZ;
const makeBall = () => ({
  x: sync(signal(0)),
  turn: sync(signal(0)),
  at: sync(signal([0, 0])),
  name: sync(signal("")),
  score: sync(signal(0)),
});
type Ball = ReturnType<typeof makeBall>;
/** Changes the balls at each tick. */
let onTick: (balls: Record<string, Ball>, tick: number) => void = () => {};
let ticks = 0;
const definition = defineRoom({
  path: "r",
  throttleSync: 0,
  state: () => ({ balls: collection(makeBall) }),
  tick: { hz: HZ, run: ({ state }) => onTick(state.balls(), ++ticks) },
});
type Game = typeof definition;

beforeEach(() => {
  vi.useFakeTimers();
  ticks = 0;
  onTick = (balls, tick) => {
    balls["a"] ??= makeBall();
    balls["a"].x.set(tick);
  };
});
afterEach(() => {
  vi.useRealTimers();
});

async function start(delay: () => number) {
  const network = new VirtualNetwork(definition, delay);
  const game = network.connect<Game>();
  const clock = serverClock(game);
  const frames = async (count: number, each: () => void, ms = 16) => {
    for (let frame = 0; frame < count; frame++) {
      await network.pass(ms);
      each();
    }
  };
  return { network, game, clock, frames };
}

describe("interpolate", () => {
  it.each([1, 2, 3])(
    "has both neighbours for 99 % of frames, with 20 ticks a second and jitter of ±50 ms on 100 ms (seed %i)",
    async (seed) => {
      const random = randomFrom(seed);
      const { game, clock, frames } = await start(() => 50 + random() * 100);
      const others = interpolate(game, ({ balls }) => balls, { delay: "auto" });
      await frames(200, () => others.at());
      let full = 0;
      let last = -Infinity;
      const delays: number[] = [];
      const jitters: number[] = [];
      await frames(3000, () => {
        const { x = Number.NaN } = others.at()["a"] ?? {};
        const shown = clock.shown ?? Infinity;
        if (shown <= clock.tick) full++;
        expect(x).toBeGreaterThanOrEqual(last);
        last = x;
        // The real distance of the shown tick from the newest possible one, in ms.
        delays.push((clock.tickAt(performance.now()) - shown) * PERIOD);
        jitters.push(clock.jitter);
      });
      expect(full / 3000).toBeGreaterThanOrEqual(0.99);
      const most = Math.max(...delays);
      expect(most).toBeLessThanOrEqual(200);
      // The jitter is uniform up to 100 ms, and the estimate covers 99 of 100 packets.
      expect(Math.max(...jitters)).toBeLessThanOrEqual(100);
      expect(delays.toSorted((a, b) => a - b)[1500]).toBeLessThanOrEqual(99 + 2 * PERIOD);
    },
  );

  it("has a short delay if packets arrive evenly, and is not affected by one very late packet", async () => {
    let line = 30;
    const { game, clock, frames } = await start(() => line);
    const others = interpolate(game, ({ balls }) => balls);
    await frames(600, () => others.at());
    expect(clock.jitter).toBeLessThan(5);
    expect(clock.delay).toBeLessThanOrEqual(2 * PERIOD);
    const before = clock.offsetAt(performance.now());
    line = 700;
    await frames(3, () => others.at());
    line = 30;
    await frames(300, () => others.at());
    expect(Math.abs(clock.offsetAt(performance.now()) - before)).toBeLessThan(1);
    expect(clock.delay).toBeLessThanOrEqual(200);
    await frames(700, () => others.at());
    expect(clock.delay).toBeLessThanOrEqual(2 * PERIOD);
  });

  it("measures the drift of the two clocks", async () => {
    const random = randomFrom(5);
    const { game, clock, frames } = await start(() => 40 + random() * 40);
    interpolate(game, ({ balls }) => balls);
    const real = performance.now.bind(performance);
    // The page's clock is 1% slow.
    vi.spyOn(performance, "now").mockImplementation(() => real() * 0.99);
    await frames(2500, () => {});
    expect(clock.drift).toBeGreaterThan(-0.0125);
    expect(clock.drift).toBeLessThan(-0.0075);
    vi.restoreAllMocks();
  });

  it("interpolates numbers, angles, vectors and custom values between two ticks, and changes others at their tick", async () => {
    onTick = (balls, tick) => {
      const ball = (balls["a"] ??= makeBall());
      ball.x.set(tick * 10);
      ball.turn.set(tick % 2 === 0 ? 0.2 : 2 * Math.PI - 0.2);
      ball.at.set([tick, -tick]);
      ball.name.set(`tick ${tick}`);
      ball.score.set(tick);
    };
    const { game, frames } = await start(() => 20);
    const own = (from: string, to: string, part: number) => `${from} to ${to}: ${part > 0 && part < 1}`;
    const balls = interpolate(game, (state) => state.balls, { fields: { x: number, turn: angle, at: vector } });
    const named = interpolate(game, (state) => state.balls, { fields: { name: own } });
    await frames(300, () => balls.at());
    let between = 0;
    await frames(100, () => {
      const ball = balls.at()["a"];
      if (!ball) throw new Error("It is not there");
      const part = (ball.x / 10) % 1;
      expect(Number.isInteger(ball.score)).toBe(true);
      expect(ball.score).toBe(Math.floor(ball.x / 10 + 1e-9));
      expect(ball.at[0]).toBeCloseTo(ball.x / 10);
      expect(ball.at[1]).toBeCloseTo(-ball.x / 10);
      // The angle turns the shorter way: through 0, and never through π.
      expect(Math.cos(ball.turn)).toBeGreaterThan(0.9);
      if (part > 0.1 && part < 0.9) between++;
      expect(named.at()["a"]?.name).toMatch(/^tick \d+ to tick \d+: true|tick \d+$/);
    });
    expect(between).toBeGreaterThan(50);
  });

  it("adds and removes entries at their tick, and jumps if they teleport", async () => {
    onTick = (balls, tick) => {
      balls["a"] ??= makeBall();
      balls["a"].x.set(tick);
      if (tick === 100) balls["b"] = Object.assign(makeBall());
      if (tick >= 100 && tick < 140) balls["b"]?.x.set(tick < 120 ? tick : tick + 1000);
      if (tick === 140) delete balls["b"];
    };
    const { game, clock, frames } = await start(() => 30);
    const teleports = (from: { x: number }, to: { x: number }) => Math.abs(to.x - from.x) > 100;
    const balls = interpolate(game, (state) => state.balls, { teleports });
    const seen: [tick: number, x: number | undefined][] = [];
    // Tick numbers begin at 1.
    await frames(550, () => seen.push([balls.at() && (clock.shown ?? 0), balls.at()["b"]?.x]));
    const there = seen.filter(([, x]) => x !== undefined);
    expect(there[0]?.[0]).toBeGreaterThanOrEqual(100);
    expect(there[0]?.[0]).toBeLessThan(101);
    expect(there.at(-1)?.[0]).toBeLessThan(140);
    expect(there.at(-1)?.[0]).toBeGreaterThan(139);
    for (const [, x] of there) expect((x ?? 0) < 120 || (x ?? 0) >= 1120).toBe(true);
  });

  it("extrapolates briefly if nothing arrives, and stands still if the room does not mention an entry", async () => {
    const { network, game, frames } = await start(() => 20);
    const balls = interpolate(game, (state) => state.balls, { extrapolate: 100 });
    const x = () => balls.at()["a"]?.x ?? 0;
    await frames(300, x);
    const known = game.state.balls["a"]?.x ?? 0;
    network.delay = () => 5000;
    await frames(60, x);
    expect(x()).toBeGreaterThan(known + 0.5);
    expect(x()).toBeLessThanOrEqual(known + 3.01);
    network.delay = () => 20;
    await frames(500, x);
    // A ball that stops is not moved further, while other balls go on.
    onTick = (all, tick) => {
      all["c"] ??= makeBall();
      all["c"].x.set(tick);
    };
    await frames(60, x);
    const stopped = game.state.balls["a"]?.x;
    expect(x()).toBe(stopped);
    // When it moves again, it continues from there at once.
    onTick = (all, tick) => all["a"]?.x.set(tick);
    await frames(20, x);
    expect(x()).toBeGreaterThan((stopped ?? 0) + 15);
  });

  it("does not glide if an entry moves after a long time without any change", async () => {
    onTick = () => {};
    const { network, game, frames } = await start(() => 30);
    const balls = interpolate(game, (state) => state.balls);
    network.room.change((state) => ((state as { balls(): Record<string, Ball> }).balls()["a"] = makeBall()));
    await frames(500, () => balls.at());
    onTick = (all, tick) => all["a"]?.x.set(1000 + tick);
    const between: number[] = [];
    await frames(100, () => between.push(balls.at()["a"]?.x ?? 0));
    // It moves there within one tick, which is three frames.
    expect(between.filter((x) => x > 0 && x < 1000).length).toBeLessThanOrEqual(4);
    expect(between.at(-1)).toBeGreaterThan(1000);
  });

  it("shows entries unchanged in a room without ticks", async () => {
    const still = defineRoom({ path: "r", state: () => ({ balls: collection(makeBall) }) });
    const network = new VirtualNetwork<{ balls(): Record<string, Ball> }>(still, () => 10);
    const game = network.connect<typeof still>();
    const balls = interpolate(game, (state) => state.balls);
    expect(balls.at()).toEqual({});
    network.room.change((state) => (state.balls()["a"] = makeBall()));
    await network.pass(100);
    expect(balls.at()).toEqual(game.state.balls);
    balls.stop();
  });
});
