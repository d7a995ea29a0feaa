import { afterEach, describe, expect, it, vi } from "vitest";
import { tabSession, tabStorage } from "../../src/client/index.ts";

afterEach(() => vi.unstubAllGlobals());

function openTab(kept = new Map<string, string>()): Map<string, string> {
  vi.stubGlobal("sessionStorage", {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  });
  return kept;
}

describe("tabSession", () => {
  it("is the same after a reload, different in another tab, and the same in a duplicate", () => {
    const kept = openTab();
    const id = tabSession();
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(tabSession()).toBe(id);
    expect(tabSession("other")).not.toBe(id);
    openTab();
    expect(tabSession()).not.toBe(id);
    openTab(new Map(kept));
    expect(tabSession()).toBe(id);
  });

  it("needs no TLS, without which crypto.randomUUID does not exist", () => {
    openTab();
    vi.stubGlobal("crypto", { getRandomValues: crypto.getRandomValues.bind(crypto) });
    expect(tabSession()).toHaveLength(32);
  });

  it.each<[string, () => unknown]>([
    [
      "access throws, as in an iframe of another site",
      () => {
        throw new Error("SecurityError");
      },
    ],
    [
      "writing throws",
      () => ({
        getItem: () => null,
        setItem: () => {
          throw new Error("QuotaExceededError");
        },
      }),
    ],
    ["there is none, as on a server", () => undefined],
  ])("also gives an id if %s", (_, storage) => {
    vi.stubGlobal("sessionStorage", undefined);
    Object.defineProperty(globalThis, "sessionStorage", { configurable: true, get: storage });
    expect(tabSession()).toHaveLength(32);
    expect(tabSession()).not.toBe(tabSession());
    tabStorage.setItem("name", "Ada");
    expect(tabStorage.getItem("name")).toBeNull();
  });
});
