import { env as workerEnv, WorkerEntrypoint } from "cloudflare:workers";
import type { Binding } from "../../../src/objects/bindings.ts";
import * as crowd from "./crowd.ts";

/**
 * The same as `crowd.ts`, for two processes: one has the rooms and Worlds, the other has the shards. So the cost of a
 * room can be measured separately from the cost of its shards. Calls between objects go from process to process.
 */
interface Env {
  /** The other process. */
  readonly OTHER: Record<"call", (binding: Binding, name: string, method: string, args: unknown[]) => Promise<unknown>>;
}

/** A namespace whose objects are in the other process. */
function elsewhere({ OTHER }: Env, binding: Binding) {
  return {
    idFromName: (name: string) => name,
    get: (name: string) =>
      new Proxy(
        {},
        {
          get:
            (_, method: string) =>
            (...args: unknown[]) =>
              OTHER.call(binding, name, method, args),
        },
      ),
  };
}

let calls = 0;

export class Room extends crowd.Room {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, { ...env, SHARDS: elsewhere(env as unknown as Env, "SHARDS") });
  }
}
export class World extends crowd.World {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, { ...env, SHARDS: elsewhere(env as unknown as Env, "SHARDS") });
  }
}
export class Shard extends crowd.Shard {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    const other = env as unknown as Env;
    super(ctx, { ...env, ROOMS: elsewhere(other, "ROOMS"), WORLDS: elsewhere(other, "WORLDS") });
  }
}

export default class Main extends WorkerEntrypoint {
  override fetch(request: Request): Response | Promise<Response> {
    if (new URL(request.url).pathname === "/calls") return Response.json({ calls });
    return crowd.default.fetch(request, this.env, this.ctx);
  }

  /** Calls an object of this process, on behalf of the other process. */
  async call(binding: Binding, name: string, method: string, args: unknown[]): Promise<unknown> {
    calls++;
    const namespace = (workerEnv as never)[binding] as { idFromName(name: string): unknown; get(id: unknown): object };
    const stub = namespace.get(namespace.idFromName(name)) as Record<string, (...args: unknown[]) => unknown>;
    const result = await stub[method]?.(...args);
    // The copy has no `Symbol.dispose`. The runtime would keep what it disposes of until the caller disposes of it.
    return result && typeof result === "object" ? { ...result, [Symbol.dispose]: undefined } : result;
  }
}
