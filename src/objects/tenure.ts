import type { Clock } from "../platform/ports.ts";
import type { PlatformStorage } from "./storage.ts";

/** The same for all loaded versions of this module. */
const INSTANCES = Symbol.for("durable-rooms.instances");
type Instances = WeakMap<object, () => void>;

/** The function that ends the instance of an object, by the object's `ctx`. */
function instances(): Instances {
  const scope = globalThis as { [INSTANCES]?: Instances };
  return (scope[INSTANCES] ??= new WeakMap());
}

/** The time in which an instance runs an object. */
export interface Tenure {
  readonly isOver: boolean;
  /** A clock whose timers end with the tenure. */
  clock(clock: Clock): Clock;
  /** The object's storage, which ignores writes after the tenure. */
  storage(storage: PlatformStorage): PlatformStorage;
  /** Calls another object. After the tenure no call is made, and no answer is delivered. */
  call<T>(run: () => Promise<T>): Promise<T>;
}

/** On the platform it ends with the object's memory. */
export const LASTING: Tenure = {
  isOver: false,
  clock: (clock) => clock,
  storage: (storage) => storage,
  call: async (run) => run(),
};

/**
 * `vite dev` makes another instance with the same `ctx` when the code changes, and keeps the previous one alive, with
 * its timers and sockets. So a new instance ends the previous one, which then can no longer change the object. For
 * development only.
 */
export class EndingTenure implements Tenure {
  #isOver = false;

  /** @param leave called once, when another instance takes over. The new instance finds what is saved then */
  constructor(ctx: object, leave: () => void) {
    instances().get(ctx)?.();
    instances().set(ctx, () => {
      leave();
      this.#isOver = true;
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  clock(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      after: (ms, run, why) => (this.#isOver ? () => {} : clock.after(ms, () => this.#isOver || run(), why)),
    };
  }

  storage(storage: PlatformStorage): PlatformStorage {
    const { kv } = storage;
    return {
      kv: {
        get: (key) => kv.get(key),
        list: (range) => kv.list(range),
        put: (key, value) => void (this.#isOver || kv.put(key, value)),
        delete: (key) => !this.#isOver && kv.delete(key),
      },
      transactionSync: (run) => storage.transactionSync(run),
      sync: () => storage.sync(),
    };
  }

  async call<T>(run: () => Promise<T>): Promise<T> {
    return this.#isOver ? new Promise<never>(() => {}) : run();
  }
}
