import { expect, it } from "vitest";
import { closeReason } from "../../src/protocol/close-reason.ts";

it("a close reason is cut at a whole character within 123 bytes", () => {
  expect(closeReason("short")).toBe("short");
  expect(closeReason("x".repeat(200))).toBe("x".repeat(123));
  expect(closeReason("é".repeat(100))).toBe("é".repeat(61));
  expect(new TextEncoder().encode(closeReason("😀".repeat(50))).length).toBe(120);
});
