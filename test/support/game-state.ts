import { computed, signal } from "@signe/reactive";
import { users } from "../../src/app/users.ts";
import { collection, connected, id, persist, sync } from "../../src/state/fields.ts";
import type { Visibility } from "../../src/state/field.ts";
import { reference } from "../../src/state/reference.ts";
import type { Reference } from "../../src/state/reference.ts";

/** An item of a player: a collection inside a collection. */
export const item = () => ({ count: sync(signal(1)), note: persist(signal("kept")) });

/** A user with every kind of field. */
export class Player {
  id = id();
  x = sync(signal(0));
  name = sync(signal<string | null>(null));
  tags = sync(signal<string[]>([]));
  online = connected();
  hand = sync(signal<string[]>([]), { visibleTo: "owner" });
  team = sync(signal(0));
  plan = sync(signal("wait"), { visibleTo: (viewer, owner) => teamOf(viewer.user) === owner?.length });
  stance = sync(signal(0), { persist: false });
  pos = { x: sync(signal(0)), y: sync(signal(0)) };
  items = collection(item);
  private = 42;
}

function teamOf(user: unknown): number | undefined {
  return user instanceof Player ? user.team() : undefined;
}

export const monster = () => ({ hp: sync(signal(10)), loot: sync(signal<Record<string, number>>({})) });

export function gameState() {
  const isGm: Visibility = (viewer) => viewer.auth?.["gm"] === true;
  const players = users(Player);
  const vault = collection(() => ({ gold: sync(signal(1)) }), { visibleTo: isGm });
  /** Entries of several kinds, with references to users, to each other, and to entries that only some users see. */
  class Beast {
    hp = sync(signal(3));
    lair = { depth: sync(signal(0)) };
    prey = reference(() => players());
    mate: Reference<object> = reference<object>(() => beasts());
    plain: unknown = this;
  }
  class Dragon extends Beast {
    fire = sync(signal(1));
    hoard = sync(signal<string[]>([]), { visibleTo: isGm });
    treasure = reference(() => vault());
    eggs = collection(item);
  }
  const weight = () => sync(signal(9));
  const rock = (): { weight: ReturnType<typeof weight>; mate: Reference<object>; plain: unknown } => ({
    weight: weight(),
    mate: reference<object>(() => beasts()),
    plain: undefined,
  });
  const beasts = collection({ beast: Beast, dragon: Dragon, rock });
  const scores = sync(signal<number[]>([]));
  return {
    count: sync(signal(0)),
    title: sync(signal<string | null>(null)),
    scores,
    best: sync(computed(() => Math.max(0, ...scores()))),
    config: sync(signal<Record<string, unknown>>({ map: { width: 10, height: 10 }, list: [1, 2, 3] })),
    board: sync(signal<unknown[]>([])),
    flags: sync({ a: signal(1), b: signal(2) }),
    turn: sync(signal(0), { persist: false }),
    seed: persist(signal(1)),
    cache: signal(0),
    shout: sync(signal("hey"), { transform: (text) => text.toUpperCase() }),
    gm: sync(signal("secret"), { visibleTo: isGm }),
    players,
    monsters: collection(monster),
    beasts,
    vault,
    prize: reference(() => vault()),
    rival: reference(() => players(), { visibleTo: isGm }),
    passing: reference(() => beasts(), { persist: false }),
    kinds: { Beast, Dragon, rock },
  };
}
export type GameState = ReturnType<typeof gameState>;
