import { computed, signal } from "@signe/reactive";
import { defineRoom } from "../../src/define/define-room.ts";
import type { Collection } from "../../src/state/fields.ts";
import { users } from "../../src/app/users.ts";
import { collection, connected, id, persist, sync } from "../../src/state/fields.ts";
import { reference } from "../../src/state/reference.ts";

class Item {
  count = sync(signal(1));
  price = sync(signal(1), { visibleTo: "owner" });
}
class Folder {
  name = sync(signal(""));
  folders: Collection<Folder> = collection(Folder);
}
export class Player {
  id = id();
  x = sync(signal(0));
  online = connected();
  hand = sync(signal<string[]>([]), { visibleTo: "owner" });
  limit = persist(signal(0));
  best = sync(computed(() => 1));
  pos = { x: sync(signal(0)), z: sync(signal(0), { visibleTo: () => false }) };
  items = collection(Item);
  serverOnly = 5;
  since = new Date();
  move(): void {
    this.x.set(1);
  }
}
const monster = () => ({ hp: sync(signal(10)), name: "orc", weak: sync(signal(true), { visibleTo: "owner" }) });
export const room = defineRoom({
  path: "room",
  state: () => {
    const players = users(Player);
    const monsters = collection(monster);
    return { players, monsters, boss: reference(() => monsters()), root: collection(Folder), seed: persist(signal(1)) };
  },
  actions: {
    me: { run: ({ user }) => user },
    everyone: { run: ({ state }) => ({ at: new Date(), players: Object.values(state.players()) }) },
    monster: { run: async ({ state }) => state.monsters()["m"] },
    unread: {
      run: ({ user, state }) => ({ ok: true, x: user.x, hand: user.hand, boss: state.boss, seed: state.seed }),
    },
    read: { run: ({ user }) => ({ id: user.id, hand: user.hand(), since: user.since }) },
    folder: { run: ({ state }) => state.root()["r"] },
    whole: { run: ({ state }) => state.players },
    functions: { run: () => ({ ok: true, run: () => 1, list: [1n, new Map<string, Date>()] }) },
    nothing: { run() {} },
    dates: { run: () => [{ at: new Date(), maybe: undefined as Date | undefined }] as const },
  },
});
