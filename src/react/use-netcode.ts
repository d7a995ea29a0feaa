"use client";
import { useEffect, useRef, useState } from "react";
import type { ClientState, RoomClient } from "../client/index.ts";
import type { AnyRoom } from "../define/room.ts";
import { interpolate, predict } from "../netcode/index.ts";
import type {
  InputName,
  InputValue,
  Interpolation,
  InterpolateOptions,
  Prediction,
  PredictOptions,
} from "../netcode/index.ts";

/** What is used of a browser. */
const browser = globalThis as unknown as {
  requestAnimationFrame(run: (now: number) => void): number;
  cancelAnimationFrame(frame: number): void;
};

/**
 * The own entry of a component's user, ahead of the room: `predict` of `durable-rooms/netcode`, for as long as the component is
 * there. It renders nothing by itself: draw `me.frame()` in {@link useFrame}.
 *
 * @param game as {@link useRoomClient} gives it
 * @param options as `predict` takes them. Those of the first time count, but for functions, of which the newest is called
 * @returns undefined before the component is mounted, and without a client
 * @example
 * import { useFrame, usePrediction } from "durable-rooms/react";
 * const me = usePrediction(game, { input: "steer", step, sample: () => keys });
 * useFrame((now) => drawPlayer("me", me?.frame(now)?.x ?? 0));
 */
export function usePrediction<R extends AnyRoom, K extends InputName<R>, E extends object>(
  game: RoomClient<R> | undefined,
  options: PredictOptions<R, K, E>,
): Prediction<E, InputValue<R, K>> | undefined {
  const newest = useNewest(options);
  return useMade(game, (client) => predict(client, newest));
}

/**
 * The entries of a collection as they were a moment ago: `interpolate` of `durable-rooms/netcode`, for as long as the component
 * is there. It renders nothing by itself: draw `others.at()` in {@link useFrame}.
 *
 * @param game as {@link useRoomClient} gives it
 * @param select the collection
 * @param options as `interpolate` takes them. Those of the first time count, but for functions, of which the newest is called
 * @returns undefined before the component is mounted, and without a client
 * @example
 * import { useFrame, useInterpolation } from "durable-rooms/react";
 * const others = useInterpolation(game, (state) => state.players);
 * useFrame((now) => {
 *   for (const [id, { x }] of Object.entries(others?.at(now) ?? {})) drawPlayer(id, x);
 * });
 */
export function useInterpolation<R extends AnyRoom, E extends object>(
  game: RoomClient<R> | undefined,
  select: (state: ClientState<R>) => Readonly<Record<string, E>> | undefined,
  options: InterpolateOptions<E> = {},
): Interpolation<E> | undefined {
  const newest = useNewest({ ...options, select });
  return useMade(game, (client) => interpolate<R, E>(client, newest.select, newest));
}

/**
 * Calls back in each frame of the browser, for as long as a component is there. The newest function is called.
 *
 * @param draw gets the time of `requestAnimationFrame`
 * @example
 * import { useFrame } from "durable-rooms/react";
 * useFrame((now) => console.log(now));
 */
export function useFrame(draw: (now: number) => void): void {
  const { draw: newest } = useNewest({ draw });
  useEffect(() => {
    const frame = (now: number) => {
      newest(now);
      next = browser.requestAnimationFrame(frame);
    };
    let next = browser.requestAnimationFrame(frame);
    return () => browser.cancelAnimationFrame(next);
  }, [newest]);
}

/** Makes something of a client, and stops it when the component goes or gets another client. */
function useMade<R extends AnyRoom, T extends { stop(): void }>(
  game: RoomClient<R> | undefined,
  make: (game: RoomClient<R>) => T,
): T | undefined {
  const [made, setMade] = useState<T>();
  const newest = useNewest({ make });
  useEffect(() => {
    if (!game) return setMade(undefined);
    const own = newest.make(game);
    setMade(own);
    return () => own.stop();
  }, [game, newest]);
  return made;
}

/** The same object each time, whose functions call the newest ones. */
function useNewest<T extends object>(given: T): T {
  const newest = useRef(given);
  useEffect(() => {
    newest.current = given;
  });
  const [stable] = useState(() =>
    Object.fromEntries(
      Object.entries(given).map(([name, value]) => [
        name,
        typeof value === "function"
          ? (...args: readonly unknown[]) =>
              (newest.current as Record<string, (...all: unknown[]) => unknown>)[name]?.(...args)
          : value,
      ]),
    ),
  );
  return stable as T;
}
