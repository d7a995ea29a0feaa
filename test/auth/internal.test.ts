import { describe, expect, it } from "vitest";
import { forwardRequest, receiveRequest } from "../../src/auth/internal.ts";

const URL_BASE = "http://rooms.test/parties/main/a/path";
const CLAIMS = { sub: "ada", name: "Zoë 🦊\r\nx-evil: 1", roles: ["admin"], nested: { "%": "a%2Fb" } };

/** Forwards a request to an object. Returns what is forwarded, and what the object reads from it. */
function pass(init: RequestInit = {}, claims: Record<string, unknown> | null = null, query = "") {
  const forwarded = forwardRequest(new Request(URL_BASE + query, init), claims);
  return { forwarded, ...receiveRequest(forwarded) };
}

describe("a request that is forwarded to a room", () => {
  it("has the verified claims, with any characters", () => {
    const { forwarded, auth } = pass({}, CLAIMS);
    expect(auth).toEqual(CLAIMS);
    expect(forwarded.headers.get("x-durable-rooms-auth")).toMatch(/^[\x21-\x7e]+$/);
    expect(forwarded.headers.has("x-evil")).toBe(false);
  });

  it("has null if nothing was verified", () => {
    expect(pass().auth).toBeNull();
  });

  it.each(["x-durable-rooms-auth", "X-Durable-Rooms-Auth", "X-DURABLE-ROOMS-AUTH"])(
    "never trusts a client's own %s",
    (name) => {
      const spoofed = { headers: { [name]: encodeURIComponent('{"sub":"eve","worlds":["*"]}') } };
      expect(pass(spoofed).auth).toBeNull();
      expect(pass(spoofed, CLAIMS).auth).toEqual(CLAIMS);
    },
  );

  it("has no headers with the service's prefix, nor those for the Worker", () => {
    const headers = {
      "X-Durable-Rooms-New": "1",
      authorization: "Bearer t",
      "X-Access-Shard": "s",
      "x-durable-room": "2",
    };
    const { forwarded } = pass({ headers });
    expect([...forwarded.headers.keys()]).toEqual(["x-durable-room"]);
  });

  it("reaches handlers without the service's own headers", () => {
    const { request } = pass({ headers: { cookie: "a=b", "x-own": "1" } }, CLAIMS);
    expect(Object.fromEntries(request.headers)).toEqual({ cookie: "a=b", "x-own": "1" });
  });

  it("has no tokens in its URL", () => {
    const { forwarded, request } = pass({}, null, "?a=1&token=t&token=u&world-auth-token=w&b=2");
    expect(forwarded.url).toBe(`${URL_BASE}?a=1&b=2`);
    expect(request.url).toBe(forwarded.url);
    expect(pass({}, null, "?%74oken=t").forwarded.url).not.toContain("=t");
  });

  it("has exactly the URL that was sent, if it contains no token", () => {
    const query = "?flag&q=a%20b+c~d&x=%2F/";
    expect(pass({}, null, query).request.url).toBe(URL_BASE + query);
  });

  it("keeps the method, the body, the upgrade and the redirect mode", async () => {
    const post = pass({ method: "POST", body: "hello", redirect: "manual" }, CLAIMS).request;
    expect([post.method, await post.text(), post.redirect]).toEqual(["POST", "hello", "manual"]);
    const upgrade = pass({ headers: { upgrade: "websocket", "sec-websocket-protocol": "x" } }).request;
    expect([upgrade.headers.get("upgrade"), upgrade.headers.get("sec-websocket-protocol")]).toEqual(["websocket", "x"]);
  });
});
