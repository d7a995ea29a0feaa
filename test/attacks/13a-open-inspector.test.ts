import { describe, expect, it } from "vitest";
import { guest } from "../../src/inspector/access.ts";

const OPEN = { INSPECTOR: "open" };
const ask = (url: string, headers: Record<string, string> = {}) => guest(new Request(url, { headers }), OPEN);

describe("an inspector that is open to everyone", () => {
  it.each([
    "http://localhost:8787/inspector/service",
    "http://127.0.0.1:8787/inspector/service",
    "http://127.1.2.3/inspector/service",
    "http://[::1]:8787/inspector/service",
    "https://game.localhost/inspector/service",
  ])("is open on this machine: %s", (url) => {
    expect(ask(url)).not.toBeNull();
  });

  // An attacker can point such a host name at 127.0.0.1. Requests of the attacker's page then count as same-origin.
  it.each([
    "http://evil.example/inspector/service",
    "http://my-game.workers.dev/inspector/service",
    "http://localhost.evil.example/inspector/service",
    "http://127.0.0.1.evil.example/inspector/service",
    "http://evil-localhost/inspector/service",
    "http://192.168.1.2:8787/inspector/service",
    "http://0.0.0.0:8787/inspector/service",
    "http://[::2]/inspector/service",
  ])("needs a token for any other host, as every service does: %s", (url) => {
    expect(ask(url)).toBeNull();
  });

  it("is not open to pages of other sites, nor without the variable", () => {
    expect(ask("http://localhost:8787/inspector/service", { origin: "http://evil.example" })).toBeNull();
    expect(guest(new Request("http://localhost:8787/inspector/service"), {})).toBeNull();
  });
});
