import { describe, expect, it } from "vitest";
import { RoomError, toRoomError } from "../../src/protocol/errors.ts";
import { isOverQuota, quotaIn } from "../../src/protocol/quota.ts";

// Errors of the platform, from its documentation and from other projects' logs of 2026.
const TEXTS = [
  ["Exceeded allowed rows written in Durable Objects free tier.", "rows written"],
  ["Exceeded allowed rows read in Durable Objects free tier.", "rows read"],
  ["Exceeded allowed duration in Durable Objects free tier.", "duration"],
  ["Exceeded allowed volume of requests in Durable Objects free tier.", "volume of requests"],
  ["Exceeded the account's spending cap for Durable Objects", "spending cap"],
] as const;

describe("a quota of the platform that is used up", () => {
  it.each(TEXTS)("%s", (text, quota) => {
    const error = new Error(text);
    expect(quotaIn(text)).toBe(quota);
    expect(quotaIn(String(error.stack))).toBe(quota);
    expect(toRoomError(error)).toMatchObject({ code: "over_quota", cause: error });
    expect(toRoomError(error).message).not.toContain("Durable Objects");
  });

  it("is found behind other errors, and in a circle of them", () => {
    const error = new Error("migrate[2] failed", { cause: new Error("not read", { cause: new Error(TEXTS[1][0]) }) });
    expect(toRoomError(error).code).toBe("over_quota");
    expect(toRoomError(new RoomError("internal", "It cannot be stored", { cause: error })).code).toBe("over_quota");
    const circle = new Error("a");
    circle.cause = new Error("b", { cause: circle });
    expect(isOverQuota(circle)).toBe(false);
  });

  it.each(["disk full", "", "The message said: Exceeded allowed tries", "Exceeded allowed rows", "exceeded the limit"])(
    "is not assumed for other errors: %s",
    (text) => {
      expect(quotaIn(text)).toBeUndefined();
      expect(toRoomError(new Error(text)).code).toBe("internal");
    },
  );

  it("is not a refusal that a handler throws", () => {
    expect(toRoomError(new RoomError("forbidden", TEXTS[0][0])).code).toBe("forbidden");
    expect(isOverQuota(TEXTS[0][0])).toBe(false);
  });
});
