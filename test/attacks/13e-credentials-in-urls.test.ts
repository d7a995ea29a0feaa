import { exports } from "cloudflare:workers";
import { signal } from "@signe/reactive";
import { describe, expect, it } from "vitest";
import { defineRoom } from "../../src/define/define-room.ts";
import { sync } from "../../src/state/fields.ts";
import { TestClient, testRoom, token } from "../support/harness.ts";

let seen: { url: string; headers: string } | undefined;
const definition = defineRoom({
  path: "room-{id}",
  auth: "required",
  state: () => ({ count: sync(signal(0)) }),
  onJoin({ request }) {
    seen = { url: request.url, headers: JSON.stringify([...request.headers]) };
  },
  actions: { who: { run: ({ conn }) => [conn.auth?.["sub"], conn.sessionId] } },
});
/** Encodes a text with the characters that a subprotocol may have. */
const encode = (text: string) => encodeURIComponent(text).replace(/[()]/g, (char) => (char === "(" ? "%28" : "%29"));

describe("P1.8: a client that does not want credentials in URLs, which platforms log", () => {
  const connect = async (protocols: string) => {
    const room = testRoom(definition, `room-${crypto.randomUUID()}`);
    const response = await exports.default.fetch(`http://rooms.test/parties/${room.party}/${room.id}`, {
      headers: { upgrade: "websocket", "sec-websocket-protocol": protocols },
    });
    if (!response.webSocket) throw new Error(`no socket: ${response.status}`);
    return { response, client: new TestClient(response.webSocket) };
  };

  it("sends its token and session id as subprotocols, and the service chooses its own", async () => {
    const id = "ann's id / ä";
    const jwt = await token({ sub: "ann" });
    const { response, client } = await connect(
      `durable-rooms, durable-rooms.token.${jwt}, durable-rooms.id.${encode(id)}`,
    );
    expect(response.headers.get("sec-websocket-protocol")).toBe("durable-rooms");
    expect((await client.call("who")).value["result"]).toEqual(["ann", id]);
    // The room's handlers do not see the credentials.
    expect(seen?.url).not.toContain(jwt);
    expect(seen?.headers).not.toContain(jwt);
    expect(seen?.headers).not.toContain(encode(id));
  });

  it("is refused with 4401 if the token is invalid, as any client is", async () => {
    const { client } = await connect("durable-rooms, durable-rooms.token.a.b.c");
    expect((await client.closed).code).toBe(4401);
  });

  it("gets no subprotocol that it did not offer", async () => {
    const { response } = await connect("chat");
    expect(response.headers.get("sec-websocket-protocol")).toBeNull();
  });
});
