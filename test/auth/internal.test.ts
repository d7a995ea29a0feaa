import { describe, expect, it } from "vitest";
import { forwardRequest, receiveRequest } from "../../src/auth/internal.ts";

const URL_BASE = "http://rooms.test/parties/main/a/path";
const CLAIMS = { sub: "ada", name: "Zoë 🦊\r\nx-evil: 1", roles: ["admin"], nested: { "%": "a%2Fb" } };

/** What the object gets of a request, and what it makes of it. */
function pass(init: RequestInit = {}, claims: Record<string, unknown> | null = null, query = "") {
  const forwarded = forwardRequest(new Request(URL_BASE + query, init), claims);
  return { forwarded, ...receiveRequest(forwarded) };
}

describe("a request on its way into a room", () => {
  it("carries verified claims, whatever characters they hold", () => {
    const { forwarded, auth } = pass({}, CLAIMS);
    expect(auth).toEqual(CLAIMS);
    expect(forwarded.headers.get("x-durable-rooms-auth")).toMatch(/^[\x21-\x7e]+$/);
    expect(forwarded.headers.has("x-evil")).toBe(false);
  });

  it("carries null where nothing was verified", () => {
    expect(pass().auth).toBeNull();
  });

  it.each(["x-durable-rooms-auth", "X-Durable-Rooms-Auth", "X-DURABLE-ROOMS-AUTH"])(
    "never believes a client's own %s",
    (name) => {
      const spoofed = { headers: { [name]: encodeURIComponent('{"sub":"eve","worlds":["*"]}') } };
      expect(pass(spoofed).auth).toBeNull();
      expect(pass(spoofed, CLAIMS).auth).toEqual(CLAIMS);
    },
  );

  it("loses every header of the service's prefix, and those meant for the Worker", () => {
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

  it("loses tokens from its URL, all of them", () => {
    const { forwarded, request } = pass({}, null, "?a=1&token=t&token=u&world-auth-token=w&b=2");
    expect(forwarded.url).toBe(`${URL_BASE}?a=1&b=2`);
    expect(request.url).toBe(forwarded.url);
    expect(pass({}, null, "?%74oken=t").forwarded.url).not.toContain("=t");
  });

  it("keeps a URL without a token exactly as it was sent", () => {
    const query = "?flag&q=a%20b+c~d&x=%2F/";
    expect(pass({}, null, query).request.url).toBe(URL_BASE + query);
  });

  it("keeps method, body, upgrade and how redirects are treated", async () => {
    const post = pass({ method: "POST", body: "hello", redirect: "manual" }, CLAIMS).request;
    expect([post.method, await post.text(), post.redirect]).toEqual(["POST", "hello", "manual"]);
    const upgrade = pass({ headers: { upgrade: "websocket", "sec-websocket-protocol": "x" } }).request;
    expect([upgrade.headers.get("upgrade"), upgrade.headers.get("sec-websocket-protocol")]).toEqual(["websocket", "x"]);
  });
});
