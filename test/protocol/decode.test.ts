import fc from "fast-check";
import { expect, it } from "vitest";
import { decodeMessage, messagesIn } from "../../src/protocol/decode.ts";

/** The result of decoding a frame that contains this text. */
function outcome(text: string): unknown {
  try {
    return decodeMessage(text);
  } catch (error) {
    return (error as { code: string }).code;
  }
}

const message = fc.record(
  { action: fc.string({ minLength: 1, unit: "grapheme" }), value: fc.jsonValue(), id: fc.oneof(fc.string(), fc.nat()) },
  { requiredKeys: ["action"] },
);
/** Parts of JSON in random order. */
const broken = fc.array(
  fc.constantFrom("[", "]", "{", "}", ",", ":", '"', "\\", " ", "1", '{"action":"a"}', "[1]", '"\\"'),
  { maxLength: 30 },
);

it("P3.7: the messages in an array are the same as in frames of their own", () => {
  const spaces = fc.nat(3);
  fc.assert(
    fc.property(fc.array(fc.oneof(message, fc.jsonValue()), { minLength: 1 }), spaces, (elements, indent) => {
      const texts = [...messagesIn(JSON.stringify(elements, null, indent))];
      const alone = elements.map((element) =>
        Array.isArray(element) ? "bad_message" : outcome(JSON.stringify(element)),
      );
      expect(texts.map(outcome)).toEqual(alone);
    }),
  );
});

it("P3.7: keeps numbers that would change if they were encoded again", () => {
  const texts = [...messagesIn('[{"action":"a","value":-0},{"action":"a","value":1e999}]')];
  expect(texts.map(outcome)).toMatchObject([{ value: -0 }, { value: Infinity }]);
});

it("P3.7: any other text has at least one part that is refused, and no part is an array", () => {
  fc.assert(
    fc.property(broken, (parts) => {
      const frame = `[${parts.join("")}`;
      const texts = [...messagesIn(frame)];
      expect(texts.join("").length).toBeLessThanOrEqual(frame.length + "null".length * texts.length);
      expect(texts.some((text) => text.trimStart().startsWith("["))).toBe(false);
      if (!isArray(frame)) expect(texts.map(outcome)).toContain("bad_message");
    }),
    { numRuns: 2000 },
  );
});

function isArray(frame: string): boolean {
  try {
    return (JSON.parse(frame) as unknown[]).length > 0;
  } catch {
    return false;
  }
}
