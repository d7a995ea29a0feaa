import { defineRoom, requireClaim, signal, sync, users } from "../../src/index.ts";
import type { Snapshot } from "../../src/index.ts";

class Miner {
  gold = sync(signal(0)); // in version 2 it was `coins`, each worth ten
}

const inGold = ({ coins, ...miner }: Snapshot): Snapshot => ({ ...miner, gold: Number(coins ?? 0) * 10 });

export const mine = defineRoom({
  path: "mine-{id}",
  version: 3,
  migrate: {
    2: ({ title, ...mine }) => ({ ...mine, name: title ?? "A mine" }), // out of a snapshot of version 1
    3: ({ miners, ...mine }) => ({
      ...mine,
      miners: Object.fromEntries(
        Object.entries((miners ?? {}) as Record<string, Snapshot>).map(([id, miner]) => [id, inGold(miner)]),
      ),
    }),
  },
  state: () => ({ name: sync(signal("A mine")), shifts: sync(signal<string[]>([])), miners: users(Miner) }),
  actions: {
    // Values that could not be read, and how to put one back.
    quarantined: { guards: [requireClaim("role", "admin")], run: ({ room }) => room.quarantine.list() },
    restoreShifts: {
      guards: [requireClaim("role", "admin")],
      run({ state, room }) {
        const found = room.quarantine.list().find(({ key }) => key === "shifts");
        if (!found) return;
        state.shifts.set(String(found.value).split(","));
        room.quarantine.delete("shifts");
      },
    },
  },
});
