import { describe, expect, it } from "vitest";

const [limits] = Object.values(
  import.meta.glob("../../docs/limits.md", { query: "?raw", import: "default", eager: true }),
);
const [threats] = Object.values(
  import.meta.glob("../../docs/threat-model.md", { query: "?raw", import: "default", eager: true }),
);
const tests = import.meta.glob("../**/*.ts", { query: "?raw", import: "default", eager: true });
const sources = import.meta.glob(["../../src/**/*.ts", "!../../src/templates/**", "../../docs/*.md"], {
  query: "?raw",
  import: "default",
  eager: true,
});

/** The cells of all table rows of a document, without the headers. */
function rowsOf(text = ""): string[][] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| ---"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    .filter(([first]) => first !== "what" && first !== "threat");
}

describe("docs/limits.md", () => {
  const rows = rowsOf(limits);

  it.each(rows.map((row) => [row[0] ?? "", row.at(-1) ?? ""]))("%s: has a test", (_, test) => {
    const [file = "", ...name] = test.split(": ");
    const code = tests[`../${file}`];
    expect(code, file).toBeDefined();
    expect(code).toContain(name.join(": "));
  });

  it.each(rows.map((row) => [row[0] ?? "", row[2] ?? ""]))("%s: can be changed as described", (_, how) => {
    for (const [, option = ""] of how.matchAll(/`((?:world\.)?\w+)`/g)) {
      const settings = option.startsWith("world.") ? "world/settings.ts" : "define/check-definition.ts";
      expect(sources[`../../src/${settings}`]).toContain(`${option.replace("world.", "")}: `);
    }
  });

  it("has all options that are limits", () => {
    expect(rows.length).toBeGreaterThan(30);
    const options =
      "maxUsers maxConnectionsPerUser maxMessageBytes rateLimit joinRate requestRate sessionExpiryTime maxOfflineSessions transferExpiryTime".split(
        " ",
      );
    const ofWorlds = "shardCapacity maxShards maxRooms connectRate roomIdle".split(" ").map((name) => `world.${name}`);
    for (const option of [...options, ...ofWorlds]) expect(limits).toContain(`\`${option}\``);
  });
});

describe("docs/threat-model.md", () => {
  it.each(rowsOf(threats).map((row) => [row[0] ?? "", `${row[2]}, ${row[3]}`]))(
    "%s: names existing files",
    (_, files) => {
      for (const file of files.split(", ")) {
        const known = file.startsWith("test/") ? tests[file.replace("test/", "../")] : sources[`../../${file}`];
        expect(known, file).toBeDefined();
      }
    },
  );
});
