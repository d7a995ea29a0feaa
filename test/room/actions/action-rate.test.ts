import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineRoom } from "../../../src/define/define-room.ts";
import { users } from "../../../src/app/users.ts";
import { sync } from "../../../src/state/fields.ts";
import { testRoom } from "../../support/harness.ts";

class Player {
  shouts = sync(signal(0));
}
const definition = defineRoom({
  path: "room-{id}",
  throttleSync: 0,
  state: () => ({ players: users(Player) }),
  actions: {
    shout: {
      rateLimit: { messages: 2, per: 3_600_000 },
      input: z.string().optional(),
      run: ({ user }) => user.shouts.update((shouts) => shouts + 1),
    },
    whisper: { run: () => "psst" },
  },
});

describe("the rate limit of an action", () => {
  it("P6.4: is per user, over all of their connections, and only for that action", async () => {
    const room = testRoom(definition);
    const ada = await room.connect({ id: "ada" });
    const tab = await room.connect({ id: "ada" });
    const bob = await room.connect();
    expect((await ada.call("shout")).type).toBe("ack");
    expect((await tab.call("shout")).type).toBe("ack");
    const refused = await ada.call("shout");
    expect(refused).toMatchObject({ type: "error", value: { code: "rate_limited", action: "shout" } });
    expect((await ada.call("whisper")).type).toBe("ack");
    expect((await bob.call("shout")).type).toBe("ack");
    // A client that tries more often is refused, but not closed.
    for (let i = 0; i < 10; i++) expect((await ada.call("shout")).value["code"]).toBe("rate_limited");
    ada.close();
    tab.close();
    const again = await room.connect({ id: "ada" });
    expect((await again.call("shout")).value["code"]).toBe("rate_limited");
  });

  it("defineRoom refuses a malformed one", () => {
    const state = () => ({});
    const withLimit = (rateLimit: unknown) => () =>
      defineRoom({ path: "a", state, actions: { shout: { rateLimit: rateLimit as never, run() {} } } });
    expect(withLimit({ messages: 0, per: 1000 })).toThrow(
      /the action "shout" rateLimit.messages has to be a number from 1/,
    );
    expect(withLimit({ messages: 1 })).toThrow(/the action "shout" rateLimit.per has to be a number from 1/);
    expect(withLimit(5)).toThrow(/the action "shout" has to be an object/);
  });
});
