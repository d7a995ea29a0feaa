/**
 * Counts the rows that Durable Objects write through their storage: one for each key that is put or really deleted, one
 * for each `setAlarm` or `deleteAlarm`, and for SQL the number that its cursor reports. Setting an alarm is billed as a
 * row:
 * https://developers.cloudflare.com/durable-objects/platform/pricing/
 */
let rows = 0;
/** How often an alarm was set. Each alarm that rings is billed as a request. */
let alarms = 0;

type Method = (this: unknown, ...args: unknown[]) => unknown;
type Methods = Record<string, Method>;
type Count = (args: unknown[], result: unknown) => number | Promise<number>;

const ASYNC: Readonly<Record<string, Count>> = {
  put: ([keys]) => (typeof keys === "string" ? 1 : Object.keys(keys as object).length),
  delete: async (_args, result) => Number(await result),
  setAlarm: () => {
    alarms++;
    return 1;
  },
  deleteAlarm: () => 1,
};
const patched = new WeakSet<object>();

/** Wraps the class of an object so that it counts. Its namespace must use SQLite. */
export function counted<T extends new (ctx: DurableObjectState, env: never) => object>(base: T): T {
  return new Proxy(base, {
    construct(target, [ctx, env]: [DurableObjectState, never], derived) {
      const { storage } = ctx;
      patch(storage, ASYNC);
      patch(storage.kv, { put: () => 1, delete: (_args, existed) => Number(existed) });
      patch(storage.sql, { exec: (_args, cursor) => (cursor as SqlStorageCursor<never>).rowsWritten });
      return Reflect.construct(target, [ctx, env], derived) as object;
    },
  });
}

/** Wraps the Worker so that it also answers `/rows`. */
export function serve<Env>(worker: { fetch(request: Request, env: Env, ctx: ExecutionContext): unknown }) {
  return {
    fetch(request: Request, env: Env, ctx: ExecutionContext): unknown {
      return new URL(request.url).pathname === "/rows"
        ? Response.json({ rows, alarms })
        : worker.fetch(request, env, ctx);
    },
  };
}

/** Replaces methods on the prototype, so that all objects of the kind count. */
function patch(instance: object, counts: Readonly<Record<string, Count>>): void {
  const methods = Object.getPrototypeOf(instance) as Methods;
  if (patched.has(methods)) return;
  patched.add(methods);
  for (const [name, count] of Object.entries(counts)) {
    const original = methods[name] as Method;
    methods[name] = function (...args) {
      const result = original.apply(this, args);
      const written = count(args, result);
      if (typeof written === "number") rows += written;
      else void written.then((number) => (rows += number));
      return result;
    };
  }
  const { transaction } = methods;
  if (!transaction) return;
  methods["transaction"] = function (closure) {
    return transaction.call(this, (inner: object) => {
      patch(inner, { put: ASYNC["put"] as Count, delete: ASYNC["delete"] as Count });
      return (closure as (inner: object) => unknown)(inner);
    });
  };
}
