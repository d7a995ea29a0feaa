import { byKey, collection, defineRoom, id, sameKey, signal, sync, users } from "../../src/index.ts";

const CELL = 100;
const cell = (x: number, y: number) => `${Math.floor(x / CELL)}:${Math.floor(y / CELL)}`;

class Commander {
  team = sync(signal("red"));
}
export class Unit {
  id = id();
  team = sync(signal("red"));
  x = sync(signal(0));
  y = sync(signal(0));
}
class Order {
  team = sync(signal("red"));
  text = sync(signal(""));
}

export const battle = defineRoom({
  path: "battle-{id}",
  state: () => {
    /** A team sees its own units, and what is in the cells around them. */
    const seenBy = (team: string): string[] => {
      const own = Object.values(units()).filter((unit) => unit.team() === team);
      const around = own.flatMap((unit) =>
        [-1, 0, 1].flatMap((dx) => [-1, 0, 1].map((dy) => cell(unit.x() + dx * CELL, unit.y() + dy * CELL))),
      );
      return [team, ...new Set(around)];
    };
    const units = collection(Unit, {
      visibleTo: byKey<Unit>({
        of: (unit) => [unit.team(), cell(unit.x(), unit.y())],
        for: ({ user }) => seenBy((user as Commander).team()),
      }),
    });
    return {
      commanders: users(Commander),
      units,
      orders: collection(Order, { visibleTo: sameKey<Order>((entry) => entry.team()) }), // for the own team
    };
  },
});
