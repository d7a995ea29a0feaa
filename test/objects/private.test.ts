import { expect, it } from "vitest";
import { hide, hideInJson } from "../../src/platform/private.ts";

const ID = "3f2a9c1e-77aa-4b1c-9d10-0c5e5f1b2a3d";
const isPrivate = (text: string) => text === ID || text === "ada";

it("P12.5: private ids are hidden wherever they are a separate word", () => {
  for (const text of [ID, `user ${ID} left`, `/?id=${ID}&x=1`, `(${ID},${ID})`, `{"id":"${ID}"}`]) {
    expect(hide(text, isPrivate), text).not.toContain(ID);
    expect(hideInJson(JSON.stringify({ text, [text]: [text] }), isPrivate), text).not.toContain(ID);
  }
  expect(hide("ada", isPrivate)).toBe("(private)");
  expect(hide("ada is a word too", isPrivate)).toBe("ada is a word too");
});
