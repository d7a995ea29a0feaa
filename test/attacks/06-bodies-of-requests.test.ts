import { expect, it } from "vitest";
import * as z from "zod";
import { defineRoom } from "../../src/define/define-room.ts";
import { MemoryRoom } from "../support/memory.ts";

it("unanswered request bodies of a slow handler are limited", async () => {
  const gate = Promise.withResolvers<void>();
  const definition = defineRoom({
    path: "r",
    state: () => ({}),
    requests: {
      "POST /slow": { body: z.string(), run: () => gate.promise },
      "POST /fast": { body: z.string(), run: ({ body }) => body.length },
      "GET /fast": { run: () => "here" },
    },
  });
  const room = new MemoryRoom(definition.compiled);
  const ask = (method: string, path: string, body?: string) => {
    const headers: Record<string, string> = body === undefined ? {} : { "content-length": String(body.length) };
    return room.core.request(new Request(`http://room${path}`, { method, headers, ...(body && { body }) }), path, null);
  };
  const text = JSON.stringify("x".repeat(60_000));
  const slow = Array.from({ length: 400 }, () => ask("POST", "/slow", text));
  expect((await ask("POST", "/fast", text)).status).toBe(429);
  expect((await ask("GET", "/fast")).status).toBe(200);
  gate.resolve();
  const statuses = (await Promise.all(slow)).map(({ status }) => status);
  expect(statuses.filter((status) => status === 204)).toHaveLength(Math.ceil(8_000_000 / text.length));
  expect(statuses.filter((status) => status === 429)).toHaveLength(400 - Math.ceil(8_000_000 / text.length));
  expect((await ask("POST", "/fast", text)).status).toBe(200);
});
