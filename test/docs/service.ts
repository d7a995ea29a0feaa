import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { AnyRoom } from "../../src/index.ts";
import { serve } from "../../src/testing/registry.ts";

/** The part of a Worker's default export that requests need. */
interface App {
  fetch(request: Request, env: Cloudflare.Env, ctx: ExecutionContext): Response | Promise<Response>;
}

/**
 * Sends requests to the app of a Worker that a document declares. Its objects are those of the test Worker, which
 * serves each of its rooms in a separate party.
 */
export function serviceOf(app: App, rooms: readonly AnyRoom[]) {
  const served = rooms.map((room) => ({ room, party: serve(room) }));
  const objects = env.ROOMS;
  const namespace = {
    idFromName(name: string) {
      const id = name.slice(name.indexOf("/") + 1);
      const party = served.find(({ room }) => room.compiled.pattern.match(id))?.party ?? "none";
      return objects.idFromName(`${party}/${id}`);
    },
    get: (id: DurableObjectId) => objects.get(id),
  };
  return async (path: string, init?: RequestInit): Promise<Response> =>
    app.fetch(
      new Request(`http://rooms.test${path}`, init),
      { ...env, ROOMS: namespace as unknown as typeof env.ROOMS },
      createExecutionContext(),
    );
}
