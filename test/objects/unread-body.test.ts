import { describe, expect, it } from "vitest";
import { skipBody } from "../../src/objects/unread-body.ts";

/** A request whose body delivers chunks of a kilobyte as long as it is read. */
function endless() {
  const read = { bytes: 0, isCancelled: false };
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      read.bytes += 1024;
      controller.enqueue(new Uint8Array(1024));
    },
    cancel: () => void (read.isCancelled = true),
  });
  return { read, request: new Request("http://room/", { method: "POST", body }) };
}

describe("P8.3: the body of a request that was answered", () => {
  it("is skipped, up to 1 MiB of it", async () => {
    const { request, read } = endless();
    await skipBody(request, new Response());
    expect(read.bytes).toBeGreaterThanOrEqual(1_048_576);
    expect(read.bytes).toBeLessThan(1_100_000);
    expect(read.isCancelled).toBe(true);
  });

  it("is not waited for longer than a second", async () => {
    let isCancelled = false;
    const body = new ReadableStream({ pull: () => new Promise(() => {}), cancel: () => void (isCancelled = true) });
    await skipBody(new Request("http://room/", { method: "POST", body }), new Response(), 20);
    expect(isCancelled).toBe(true);
  });

  it("is left to its reader: a handler that forwarded it, or put it into the answer", async () => {
    const text = "streamed";
    const echoed = new Request("http://room/", { method: "POST", body: text });
    const echo = new Response(echoed.body);
    await skipBody(echoed, echo);
    expect(await echo.text()).toBe(text);
    const piped = new Request("http://room/", { method: "POST", body: text });
    const upper = new Response(piped.body?.pipeThrough(new IdentityTransformStream()));
    await skipBody(piped, upper);
    expect(await upper.text()).toBe(text);
  });

  it("does not break an answer if it breaks off, at once or later", async () => {
    for (const chunks of [0, 3]) {
      let left = chunks;
      const body = new ReadableStream({
        pull(controller) {
          if (left-- > 0) controller.enqueue(new Uint8Array(1024));
          else controller.error(new Error("lost"));
        },
      });
      const answer = new Response("the answer");
      await expect(skipBody(new Request("http://room/", { method: "POST", body }), answer)).resolves.toBeUndefined();
      expect(left).toBe(-1);
      expect(await answer.text()).toBe("the answer");
    }
  });
});
