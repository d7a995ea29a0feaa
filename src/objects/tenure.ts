import type { Clock } from "../platform/ports.ts";
import type { PlatformStorage } from "./storage.ts";

/** The same for all versions of this module that are loaded. */
const INSTANCES = Symbol.for("durable-rooms.instances");
type Instances = WeakMap<object, () => void>;

/** How to end the instance that runs an object, by the object's `ctx`. */
function instances(): Instances {
  const scope = globalThis as { [INSTANCES]?: Instances };
  return (scope[INSTANCES] ??= new WeakMap());
}

/**
 * The time in which an instance runs an object. On the platform it ends with the object's memory. But `vite dev` makes
 * another instance on the same `ctx` when the code changes, and leaves the former one alive, with its timers and
 * sockets: so a new instance ends the former one, which then can do nothing more to the object.
 */
export class Tenure {
  #isOver = false;

  /** @param leave called once, when another instance takes over: what is saved then, that one finds */
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

  /** A clock whose timers end with the tenure. */
  clock(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      after: (ms, run, why) => (this.#isOver ? () => {} : clock.after(ms, () => this.#isOver || run(), why)),
    };
  }

  /** The object's storage, which takes nothing after the tenure. */
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

  /** Calls another object. After the tenure nobody is called, and no answer comes. */
  async call<T>(run: () => Promise<T>): Promise<T> {
    return this.#isOver ? new Promise<never>(() => {}) : run();
  }
}
