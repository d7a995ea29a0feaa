import { describe, expect, it } from "vitest";
import { distance, hintOf, NEAR } from "../../src/world/location.ts";

describe("where a client is", () => {
  it.each([
    ["wnam", { continent: "NA", country: "US", longitude: "-122.4" }],
    ["enam", { continent: "NA", country: "US", longitude: "-74.0" }],
    ["enam", { continent: "NA", country: "US" }],
    ["weur", { continent: "EU", country: "FR", longitude: "2.35" }],
    ["weur", { continent: "EU" }],
    ["weur", { continent: "EU", longitude: "" }],
    ["eeur", { continent: "EU", country: "PL", longitude: "21.0" }],
    ["me", { continent: "AS", country: "AE", longitude: "55.3" }],
    ["me", { continent: "AF", country: "EG" }],
    ["apac", { continent: "AS", country: "JP", longitude: "139.7" }],
    ["afr", { continent: "AF", country: "ZA" }],
    ["oc", { continent: "OC", country: "AU" }],
    ["sam", { continent: "SA", country: "BR" }],
    [undefined, { continent: "AN" }],
    [undefined, { country: "T1" }],
    [undefined, {}],
    [undefined, undefined],
    [undefined, "EU"],
  ])("is %s for %j", (hint, cf) => {
    expect(hintOf(cf)).toBe(hint);
  });

  it("counts only what is on the same side of an ocean as near", () => {
    expect(distance("weur", "weur")).toBe(0);
    expect(distance("weur", "eeur")).toBe(distance("eeur", "weur"));
    expect(distance("weur", "eeur")).toBeLessThan(NEAR);
    expect(distance("wnam", "enam")).toBeLessThan(NEAR);
    expect(distance("eeur", "me")).toBeLessThan(NEAR);
    for (const far of ["enam", "sam", "apac", "oc", "afr"] as const)
      expect(distance("weur", far)).toBeGreaterThan(NEAR);
    expect(distance("weur", "enam")).toBeLessThan(distance("weur", "wnam"));
    expect(distance("apac", "oc")).toBeLessThan(distance("weur", "oc"));
    expect(distance(undefined, "oc")).toBeGreaterThan(distance("weur", "oc"));
  });
});
