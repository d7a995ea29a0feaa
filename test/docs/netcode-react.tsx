import type { RoomClient } from "../../src/client/index.ts";
import { useFrame, useInterpolation, usePrediction } from "../../src/react/index.ts";
import type { arena } from "./netcode-room.ts";
import { POSITION, step } from "./netcode-shared.ts";

interface Place {
  readonly x: number;
  readonly y: number;
}
type Draw = (me: Place | undefined, others: Readonly<Record<string, Place>>) => void;
declare const keys: Place;

export function Arena({ game, draw }: { game: RoomClient<typeof arena> | undefined; draw: Draw }) {
  const me = usePrediction(game, { input: "move", step, codecs: { x: POSITION, y: POSITION }, sample: () => keys });
  const others = useInterpolation(game, (state) => state.players);
  useFrame((now) => draw(me?.frame(now), others?.at(now) ?? {}));
  return <canvas />;
}
