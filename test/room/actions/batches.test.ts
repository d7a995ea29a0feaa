import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { sync } from "../../../src/state/fields.ts";
import { testRoom } from "../../support/harness.ts";
import type { TestClient } from "../../support/harness.ts";

const roomWith = (options: object = {}) =>
  testRoom(
    defineRoom({
      path: "room-{id}",
      ...options,
      state: () => ({ log: sync(signal<unknown[]>([])) }),
      actions: {
        add: {
          run({ state }, value) {
            state.log.update((log) => [...log, value]);
            return value;
          },
        },
        slow: {
          async run({ state }, value) {
            await scheduler.wait(5);
            state.log.update((log) => [...log, value]);
            return value;
          },
        },
      },
    }),
  );
const answersOf = ({ packets }: TestClient) =>
  packets.filter(({ type }) => type === "ack" || type === "error").map(({ value }) => value["id"] ?? value["code"]);
const repeat = (count: number, text: string) => `[${Array.from({ length: count }, () => text).join(",")}]`;

describe("P3.7: an array of messages", () => {
  it("counts as that many messages: handled one by one in order, each with its answer", async () => {
    const room = roomWith();
    const client = await room.connect();
    const message = (action: string, id: number) => ({ action, value: id, id });
    client.send([message("add", 1), message("slow", 2), message("none", 3), message("add", 4)]);
    client.send([message("slow", 5)]);
    client.send(message("add", 6));
    await client.until(({ value }) => value?.["id"] === 6);
    expect(answersOf(client)).toEqual([1, 2, 3, 4, 5, 6]);
    await client.sees(({ log }: { log: unknown[] }) => log.join() === "1,2,4,5,6");
  });

  it("is counted message by message", async () => {
    const room = roomWith({ rateLimit: { messages: 5, per: 60_000 } });
    const flooder = await room.connect();
    flooder.send(repeat(12, '{"action":"add","value":1}'));
    expect(await flooder.closed).toEqual({ code: 4429, reason: "Too many messages" });
    expect(answersOf(flooder)).toEqual(Array.from({ length: 4 }, () => "rate_limited"));
    const other = await room.connect();
    expect((await other.call("add", 2)).type).toBe("ack");
    await other.sees(({ log }: { log: unknown[] }) => log.join() === "1,1,1,1,1,2");
  });

  it.each([
    ["without messages", "[]", 1],
    ["in an array", '[[{"action":"add"}],{"action":"add","id":"ok"}]', 1],
    ["with what is no message", '[1,"a",null,{}]', 4],
    ["that is not ended", '[{"action":"add","id":"ok"}', 1],
    ["with something after it", '[{"action":"add","id":"ok"}]{"action":"add"}', 1],
    ["of commas", "[,,]", 3],
  ])("%s is refused in the wrong part, and the client stays connected", async (_, frame, refused) => {
    const client = await roomWith().connect();
    client.send(frame);
    expect((await client.call("add", 1)).type).toBe("ack");
    const answers = answersOf(client).filter((answer) => answer === "bad_message");
    expect(answers).toHaveLength(refused);
  });

  it("is no larger than a message may be", async () => {
    const client = await roomWith({ maxMessageBytes: 1000 }).connect();
    client.send(repeat(50, '{"action":"add","value":1}'));
    expect((await client.closed).code).toBe(1009);
  });

  it("of 100,000 parts closes its sender, after as many answers as messages would get", async () => {
    const room = roomWith({ maxMessageBytes: 1_000_000, rateLimit: { messages: 100, per: 60_000 } });
    const client = await room.connect();
    client.send(repeat(100_000, "1"));
    expect((await client.closed).code).toBe(4429);
    // A shard may close the client before the room has answered the messages that the shard passed on.
    expect([99, 199]).toContain(answersOf(client).length);
    expect((await (await room.connect()).call("add", 1)).type).toBe("ack");
  });

  it("is offered in the first packet to clients of protocol 2, with the maximum bytes of a frame", async () => {
    const room = roomWith({ maxMessageBytes: 5000 });
    const client = await room.connect({ query: "protocol=2" });
    expect(JSON.parse(client.texts[0] ?? "")).toMatchObject({ type: "sync", batch: 5000 });
    expect((await room.connect()).texts[0]).not.toContain("batch");
  });
});
