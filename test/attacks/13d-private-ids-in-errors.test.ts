import { exports } from "cloudflare:workers";
import { signal } from "@signe/reactive";
import { SignJWT } from "jose";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { sync } from "../../src/state/fields.ts";
import { testRoom } from "../support/harness.ts";

const definition = defineRoom({
  path: "room-{id}",
  sessionExpiryTime: 1,
  state: () => ({ count: sync(signal(0)) }),
  actions: {
    fails: {
      run({ conn }) {
        throw new Error(`Something is wrong with ${conn.sessionId}, who came a while ago`);
      },
    },
  },
});

describe("an error that contains a private id", () => {
  it.each(["$inspect", "$metrics"])(
    "is shown to operators without the id, also after its session has ended: %s",
    async (question) => {
      const room = testRoom(definition, `room-${crypto.randomUUID()}`);
      const id = `private-id-of-somebody-${crypto.randomUUID()}`;
      const client = await room.connect({ id, via: "room" });
      await client.call("fails");
      client.close();
      await client.closed;
      await expect
        .poll(async () => {
          await room.alarm();
          return room.inside((_state, core) => core.sessions.find(id) !== undefined);
        })
        .toBe(false);
      const token = await new SignJWT({ aud: "durable-rooms-operator", rooms: "*", inspect: "*" })
        .setProtectedHeader({ alg: "HS256" })
        .sign(new TextEncoder().encode(env.AUTH_JWT_SECRET));
      const answer = await exports.default.fetch(`http://rooms.test/parties/${room.party}/${room.id}/${question}`, {
        headers: { authorization: `Bearer ${token}` },
      });
      const text = await answer.text();
      expect(text).toContain("Something is wrong with");
      expect(text).not.toContain(id);
    },
  );
});
