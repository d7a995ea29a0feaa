import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it, vi } from "vitest";
import { unstable_readConfig as readConfig } from "wrangler";

const folder = mkdtempSync(join(tmpdir(), "durable-rooms-docs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const text = readFileSync(join(import.meta.dirname, "../../docs/deploying.md"), "utf8");
const blocks = [...text.matchAll(/^```toml\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block);
const whole = blocks.filter((block) => block.startsWith("name = "));
const [first = ""] = whole;

/** Lets wrangler parse a configuration, which must cause no warnings. */
function read(toml: string, env?: string) {
  const path = join(folder, "wrangler.toml");
  writeFileSync(path, toml);
  writeFileSync(join(folder, "worker.ts"), "");
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  const config = readConfig({ config: path, env }, { hideWarnings: false });
  expect(warn.mock.calls).toEqual([]);
  return config;
}

it.each(blocks)("wrangler reads: %s", (block) => {
  // A partial block is added to a complete configuration: tables at its end, and top-level keys at its beginning.
  const migrations = block.includes("[[migrations]]") && !whole.includes(block);
  const base = migrations ? first.replace(/\[\[migrations\]\][\s\S]*?\n\n/, "") : first;
  const config = read(whole.includes(block) ? block : block.startsWith("[") ? `${base}\n${block}` : `${block}${base}`);
  const names = config.durable_objects.bindings.map(({ class_name: name }: { class_name: string }) => name);
  const classes = config.migrations.flatMap(({ new_sqlite_classes: made = [] }) => made);
  expect(classes).toEqual(expect.arrayContaining(names));
  expect(config.secrets?.required).toContain("AUTH_JWT_SECRET");
});

it("the environment has all required settings", () => {
  const staging = read(`${first}\n${blocks.find((block) => block.includes("env.staging"))}`, "staging");
  expect(staging).toMatchObject({
    name: "my-game-staging",
    durable_objects: { bindings: [{ name: "ROOMS", class_name: "RoomObject" }] },
    migrations: [{ tag: "v1", new_sqlite_classes: ["RoomObject"] }],
    secrets: { required: ["AUTH_JWT_SECRET"] },
  });
});

it("the JSONC of docs/hosting.md is the wrangler.toml of the first game", () => {
  const blockOf = (document: string, language: string, begins: string) => {
    const page = readFileSync(join(import.meta.dirname, "../..", document), "utf8");
    const found = [...page.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, "gm"))];
    return found.map(([, block = ""]) => block).find((block) => block.includes(begins)) ?? "";
  };
  const {
    configPath: _,
    userConfigPath: __,
    ...toml
  } = read(blockOf("docs/first-game.md", "toml", 'name = "my-game"'));
  const path = join(folder, "wrangler.jsonc");
  writeFileSync(path, blockOf("docs/hosting.md", "json", '"name": "my-game"'));
  expect(readConfig({ config: path })).toMatchObject(toml);
});
