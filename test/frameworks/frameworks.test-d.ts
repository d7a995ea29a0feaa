import { signal } from "@signe/reactive";
import type { Accessor } from "solid-js";
import type { Readable } from "svelte/store";
import { expectTypeOf } from "vitest";
import { shallowRef } from "vue";
import type { ComputedRef } from "vue";
import { connectRoom } from "../../src/client/index.ts";
import type { ClientState, RoomClient } from "../../src/client/index.ts";
import { defineRoom } from "../../src/define/define-room.ts";
import { roomSignal } from "../../src/frameworks/signals.ts";
import type { RoomSignal } from "../../src/frameworks/signals.ts";
import { useRoom as useSolid } from "../../src/frameworks/solid.ts";
import { roomStore } from "../../src/frameworks/svelte.ts";
import { useRoom as useVue } from "../../src/frameworks/vue.ts";
import { persist, sync } from "../../src/state/fields.ts";

const room = defineRoom({
  path: "r",
  state: () => ({ count: sync(signal(0)), names: sync(signal<string[]>([])), seed: persist(signal(1)) }),
});
type State = ClientState<typeof room>;
const game = connectRoom<typeof room>({ host: "x", room: "r" });

expectTypeOf(useVue(game)).toEqualTypeOf<ComputedRef<State | undefined>>();
expectTypeOf(useVue(shallowRef(game), (state) => state.count)).toEqualTypeOf<ComputedRef<number | undefined>>();
expectTypeOf(useVue(() => game)).toEqualTypeOf<ComputedRef<State | undefined>>();
// @ts-expect-error the field is never sent to a client
useVue(game, (state) => state.seed);

expectTypeOf(useSolid(game, (state) => state.names)).toEqualTypeOf<Accessor<readonly string[] | undefined>>();
expectTypeOf(useSolid((): RoomClient<typeof room> | undefined => game)).toEqualTypeOf<Accessor<State | undefined>>();
// @ts-expect-error the field is never sent to a client
useSolid(game, (state) => state.seed);

expectTypeOf(roomStore(game, (state) => state.count)).toEqualTypeOf<Readable<number | undefined>>();
const sameText = (one: string, other: string) => one === other;
// @ts-expect-error isEqual compares selected values
roomStore(game, (state) => state.count, sameText);

const count = roomSignal(game, (state) => state.count);
expectTypeOf(count).toEqualTypeOf<RoomSignal<number | undefined>>();
expectTypeOf(count()).toEqualTypeOf<number | undefined>();
// @ts-expect-error it is read-only, because it follows the room
count.set(1);
