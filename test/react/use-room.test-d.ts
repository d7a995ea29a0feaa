import { signal } from "@signe/reactive";
import { expectTypeOf } from "vitest";
import { connectRoom } from "../../src/client/index.ts";
import type { ClientState, ClientStatus, RoomClient } from "../../src/client/index.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import { useRoom, useRoomClient } from "../../src/react/index.ts";
import { persist, sync } from "../../src/state/fields.ts";

const room = defineRoom({
  path: "r",
  state: () => ({ count: sync(signal(0)), names: sync(signal<string[]>([])), seed: persist(signal(1)) }),
});
const game = connectRoom<typeof room>({ host: "x", room: "r" });

export function Component(): null {
  expectTypeOf(useRoom(game)).toEqualTypeOf<ClientState<typeof room> | undefined>();
  expectTypeOf(useRoom(game, (state) => state.count)).toEqualTypeOf<number | undefined>();
  const first = useRoom(
    game,
    (state) => ({ name: state.names[0] }),
    (a, b) => a.name === b.name,
  );
  expectTypeOf(first).toEqualTypeOf<{ name: string | undefined } | undefined>();
  // @ts-expect-error the field is never sent to a client
  useRoom(game, (state) => state.seed);
  const sameText = (a: string, b: string) => a === b;
  // @ts-expect-error isEqual compares selected values
  useRoom(game, (state) => state.count, sameText);
  // @ts-expect-error that is no client
  useRoom({});
  return null;
}

export function Connected(): null {
  const { client, status } = useRoomClient<typeof room>({ room: "r" });
  expectTypeOf(client).toEqualTypeOf<RoomClient<typeof room> | undefined>();
  expectTypeOf(status).toEqualTypeOf<ClientStatus>();
  expectTypeOf(useRoom(client, (state) => state.count)).toEqualTypeOf<number | undefined>();
  // @ts-expect-error the field is never sent to a client
  useRoom(client, (state) => state.seed);
  useRoomClient<typeof room>({ host: "x", party: "p", room: async () => "r", id: "private", token: () => "jwt" });
  useRoomClient<typeof room>({ room: "r", worldId: "world-default" });
  // @ts-expect-error a World has no parties
  useRoomClient<typeof room>({ room: "r", worldId: "world-default", party: "p" });
  // @ts-expect-error the room is missing
  useRoomClient<typeof room>({ host: "x" });
  // @ts-expect-error a World knows the shards of one fixed room
  useRoomClient<typeof room>({ worldId: "world-default", room: () => "r" });
  return null;
}
