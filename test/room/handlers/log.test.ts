import { expect, it, vi } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { causeOf, createLog } from "../../../src/platform/log.ts";
import { MemoryRoom } from "../../support/memory.ts";

it("a log that throws, or whose promise is rejected, harms nobody, and the console says so", async () => {
  const said = vi.spyOn(console, "error").mockImplementation(() => {});
  const isUnhandled = vi.fn();
  addEventListener("unhandledrejection", isUnhandled);
  const fail = () => {
    throw new Error("The collector is down");
  };
  createLog(fail)({ level: "error", event: "a" });
  createLog(async () => fail())({ level: "error", event: "b" });
  await vi.waitFor(() => expect(said).toHaveBeenCalledTimes(2));
  await scheduler.wait(0);
  removeEventListener("unhandledrejection", isUnhandled);
  expect(isUnhandled).not.toHaveBeenCalled();
  for (const [line] of said.mock.calls) expect(line).toContain('"event":"log_failed"');
  said.mockRestore();
});

it("whatever a handler throws, what a client sent among it, is a line, and the connection goes on", async () => {
  const room = new MemoryRoom(
    defineRoom({
      path: "r",
      state: () => ({}),
      actions: {
        throw: {
          run(_, value) {
            throw value;
          },
        },
        ping: { run: () => "pong" },
      },
    }).compiled,
  );
  const socket = await room.connect("ada");
  await room.core.message(socket, '{"action":"throw","value":{"toString":1,"valueOf":null},"id":1}');
  expect(socket.texts.at(-1)).toContain('"code":"internal"');
  await room.core.message(socket, '{"action":"ping","id":2}');
  expect(socket.texts.at(-1)).toContain('"pong"');
  expect(room.log.map(({ event }) => event)).toEqual(["action_failed"]);
  expect(causeOf(Object.create(null))).toBe("An error without text was thrown");
});
