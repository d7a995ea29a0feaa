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

/** The part of a browser that is used. */
const browser = globalThis as unknown as {
  requestAnimationFrame(run: (now: number) => void): number;
  cancelAnimationFrame(frame: number): void;
};

/**
 * Predicts the user's own entry as long as the component is mounted: `predict` of `durable-rooms/netcode`. It does not
 * render by itself: draw `me.frame()` in {@link useFrame}.
 *
 * @param game the client of {@link useRoomClient}
 * @param options the options of `predict`. Later values of functions are used; other options keep their first value
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
 * Interpolates the entries of a collection as long as the component is mounted: `interpolate` of
 * `durable-rooms/netcode`. It does not render by itself: draw `others.at()` in {@link useFrame}.
 *
 * @param game the client of {@link useRoomClient}
 * @param select returns the collection
 * @param options the options of `interpolate`. Later values of functions are used; other options keep their first value
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
 * Calls a function in each frame of the browser, as long as the component is mounted. The function of the last
 * rendering is called.
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

/** Makes something with a client, and stops it when the component is unmounted or gets another client. */
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

/** Returns the same object for each rendering. Its functions call those of the last rendering. */
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
