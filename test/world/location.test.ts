import { describe, expect, it } from "vitest";
import { distance, hintOf, NEAR } from "../../src/world/location.ts";

describe("the region of a client", () => {
  it.each([
    ["wnam", { continent: "NA", country: "US", longitude: "-122.4" }],
    ["enam", { continent: "NA", country: "US", longitude: "-74.0" }],
    ["enam", { continent: "NA", country: "US" }],
    ["weur", { continent: "EU", country: "FR", longitude: "2.35" }],
    ["weur", { continent: "EU" }],
    ["weur", { continent: "EU", longitude: "" }],
    ["eeur", { continent: "EU", country: "PL", longitude: "21.0" }],
    ["apac-ne", { continent: "AS", country: "JP", latitude: "35.7", longitude: "139.7" }],
    ["apac-ne", { continent: "AS", country: "HK", latitude: "22.3", longitude: "114.2" }],
    ["apac-se", { continent: "AS", country: "SG", latitude: "1.3", longitude: "103.8" }],
    ["apac-se", { continent: "AS", country: "IN", latitude: "28.6", longitude: "77.2" }],
    ["apac", { continent: "AS", country: "VN" }],
    ["oc", { continent: "OC", country: "AU" }],
    // Cloudflare runs no Durable Objects on these continents, so the hint is the nearest region.
    ["eeur", { continent: "AS", country: "AE", longitude: "55.3" }],
    ["eeur", { continent: "AF", country: "EG" }],
    ["weur", { continent: "AF", country: "ZA" }],
    ["enam", { continent: "SA", country: "BR" }],
    [undefined, { continent: "AN" }],
    [undefined, { country: "T1" }],
    [undefined, {}],
    [undefined, undefined],
    [undefined, "EU"],
  ])("is %s for %j", (hint, cf) => {
    expect(hintOf(cf)).toBe(hint);
  });

  it("counts only regions on the same side of an ocean as near", () => {
    expect(distance("weur", "weur")).toBe(0);
    expect(distance("weur", "eeur")).toBe(distance("eeur", "weur"));
    for (const [one, other] of [
      ["weur", "eeur"],
      ["wnam", "enam"],
      ["apac-ne", "apac-se"],
    ] as const)
      expect(distance(one, other)).toBeLessThan(NEAR);
    for (const far of ["enam", "apac-ne", "apac-se", "oc"] as const)
      expect(distance("weur", far)).toBeGreaterThan(NEAR);
    expect(distance("apac-se", "oc")).toBeGreaterThan(NEAR);
    expect(distance("weur", "enam")).toBeLessThan(distance("weur", "wnam"));
    expect(distance("apac-se", "oc")).toBeLessThan(distance("weur", "oc"));
    expect(distance(undefined, "oc")).toBeGreaterThan(distance("weur", "oc"));
  });

  it("of a shard from an earlier version is where it really runs", () => {
    expect(distance("enam", "sam")).toBe(0);
    expect(distance("weur", "afr")).toBe(0);
    expect(distance("eeur", "me")).toBe(0);
    expect(distance("apac-ne", "apac")).toBeLessThan(NEAR);
    expect(distance("apac-se", "apac")).toBeLessThan(NEAR);
  });
});
