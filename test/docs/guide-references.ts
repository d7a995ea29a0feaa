import { signal } from "@signe/reactive";
import { collection, defineRoom, reference, sync, users } from "../../src/index.ts";
import type { Reference } from "../../src/index.ts";

class Player {
  score = sync(signal(0));
}

export const arena = defineRoom({
  path: "arena-{id}",
  state: () => {
    const players = users(Player);
    class Bullet {
      x = sync(signal(0));
      owner = reference(() => players());
      next: Reference<Bullet> = reference(() => bullets()); // a class that refers to itself needs the type
    }
    const bullets = collection(Bullet);
    return { players, bullets, Bullet };
  },
  actions: {
    shoot: {
      run({ state, user, conn }) {
        const bullet = new state.Bullet();
        bullet.owner.set(user);
        state.bullets()[conn.publicId] = bullet;
      },
    },
    hit: {
      run({ state, conn }) {
        const owner = state.bullets()[conn.publicId]?.owner(); // undefined if whoever shot has left
        owner?.score.update((score) => score + 1);
      },
    },
  },
});
