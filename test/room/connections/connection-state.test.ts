import { describe, expect, it } from "vitest";
import { defineRoom } from "../../../src/define/define-room.ts";
import { testRoom } from "../../support/harness.ts";

describe("connectionState", () => {
  const pages = defineRoom({
    path: "pages-{id}",
    state: () => ({}),
    connectionState: () => ({ page: 1, seen: [] as number[] }),
    actions: {
      page: { run: ({ conn }) => conn.state },
      next: { run: ({ conn }) => conn.setState(({ page, seen }) => ({ page: page + 1, seen: [...seen, page] })) },
    },
  });

  it("makes the initial conn.state of each connection, also after hibernation", async () => {
    const room = testRoom(pages, "pages-1");
    const [one, two] = [await room.connect(), await room.connect()];
    const pageOf = async (client: typeof one) => (await client.call("page")).value["result"];
    expect(await pageOf(one)).toEqual({ page: 1, seen: [] });
    await one.call("next");
    await one.call("next");
    await room.evict();
    expect([await pageOf(one), await pageOf(two)]).toEqual([
      { page: 3, seen: [1, 2] },
      { page: 1, seen: [] },
    ]);
  });
});
