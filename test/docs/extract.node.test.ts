import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { merge, modulesOf, readExamples } from "./extract.ts";

const examples = readExamples();

it("each code block of the documents names its module", () => {
  expect(examples.problems).toEqual([]);
  expect(examples.modules.length).toBeGreaterThan(60);
});

it("the lines of a module have the numbers that they have in the page", () => {
  const page = ["# Chat", "", "```ts file=a.ts", "one", "```", "text", "```ts file=b.ts", "other", "```"].join("\n");
  const [first, second] = modulesOf("docs/chat.md", page).modules;
  expect([first?.file, first?.lines[3], first?.lines.filter(Boolean)]).toEqual([
    "test/docs/extracted/a.ts",
    "one",
    ["one"],
  ]);
  expect(second?.lines[7]).toBe("other");
});

it("blocks and comments of one module are joined", () => {
  const page =
    "<!-- ts file=a.ts\none\n-->\n```ts file=a.ts\ntwo\n```\n\n- in a list:\n  ```ts file=a.ts\n  three\n  ```";
  const { modules } = modulesOf("docs/chat.md", page);
  expect(modules.map(({ lines }) => lines.filter(Boolean))).toEqual([["one", "two", "three"]]);
});

it("of a Vue or Svelte component the script is compiled", () => {
  const page = '```vue file=a.ts\n<script setup lang="ts">\none\n</script>\n\n<template>\n  <p />\n</template>\n```';
  expect(modulesOf("docs/chat.md", page).modules.map(({ lines }) => lines.filter(Boolean))).toEqual([["one"]]);
});

it("a block without a module is a problem, except in other languages", () => {
  const { problems, modules } = modulesOf(
    "docs/chat.md",
    "```ts\none\n```\n```sh\nnpm test\n```\n```tsx {1}\ntwo\n```",
  );
  expect(problems).toEqual([
    "docs/chat.md:1: ```ts has to name its module, as in ```ts file=chat.ts",
    "docs/chat.md:7: ```tsx {1} has to name its module, as in ```ts file=chat.ts",
  ]);
  expect(modules).toEqual([]);
});

describe("a module in two pages", () => {
  const whole = modulesOf("docs/a.md", "```ts file=a.ts\none\ntwo\n```");

  it("may repeat a part of it", () => {
    const merged = merge([modulesOf("docs/b.md", "\n```ts file=a.ts\ntwo\n```"), whole]);
    expect([merged.problems, merged.modules]).toEqual([[], whole.modules]);
  });

  it("may not contain different code", () => {
    expect(merge([whole, modulesOf("docs/b.md", "```ts file=a.ts\n2\n```")]).problems).toEqual([
      "docs/b.md: test/docs/extracted/a.ts differs from the one of docs/a.md",
    ]);
  });
});

describe("examples are formatted like all other code", () => {
  const root = resolve(import.meta.dirname, "../..");
  let folder: string;
  const copyOf = (file: string) => join(folder, file.replaceAll("/", "-"));
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "formatted-"));
    for (const { file, lines } of examples.modules) writeFileSync(copyOf(file), lines.join("\n"));
    execFileSync(join(root, "node_modules/.bin/oxfmt"), ["--config", join(root, ".oxfmtrc.json"), folder]);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Drops empty lines, which stand for the text between the blocks. */
  const plain = (lines: readonly string[]) => lines.map((line) => line.trim()).filter(Boolean);

  it.each(examples.modules)("$file in $page", ({ file, lines }) => {
    expect(plain(lines)).toEqual(plain(readFileSync(copyOf(file), "utf8").split("\n")));
  });
});
