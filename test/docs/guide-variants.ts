import { signal } from "@signe/reactive";
import { collection, defineRoom, sync } from "../../src/index.ts";

class Monster {
  type = sync(signal<"monster">("monster")); // what clients tell them apart by
  hp = sync(signal(10));
  attack() {
    return 1;
  }
}
class Boss {
  type = sync(signal<"boss">("boss"));
  hp = sync(signal(100));
  armour = sync(signal(5)); // only a boss has it
  attack() {
    return 10;
  }
}

export const cave = defineRoom({
  path: "cave-{id}",
  state: () => ({ monsters: collection({ monster: Monster, boss: Boss }) }),
  actions: {
    wake: { run: ({ state }) => void (state.monsters()["b1"] = new Boss()) },
    attack: { run: ({ state }) => Object.values(state.monsters()).map((monster) => monster.attack()) },
  },
});
