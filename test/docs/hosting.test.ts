import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import worker, { RoomObject } from "./extracted/framework-server.ts";
import { gameRoom } from "./extracted/game-room.ts";
import { serviceOf } from "./service.ts";

it("a framework's Worker answers for its pages, and rooms for theirs", async () => {
  const ask = serviceOf({ fetch: async (...of) => worker.fetch(...of) }, [gameRoom]);
  expect(await (await ask("/about")).text()).toBe("The page /about");
  expect(await (await ask("/parties/main/game-1/status")).json()).toEqual({ status: "waiting" });
  expect(RoomObject).toBeTypeOf("function");
  const unknown = new Request("http://rooms.test/parties/main/none");
  expect((await worker.fetch(unknown, env, createExecutionContext())).status).toBe(404);
});
