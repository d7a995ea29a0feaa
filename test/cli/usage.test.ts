import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { run } from "../../src/cli/index.ts";
import { runBin, runUnread } from "./bin.ts";

const LOAD = ["load", "--room", "game-1", "--action", "move"];

/** Like {@link runBin}, but in this process, which is faster. */
async function runHere(args: readonly string[]) {
  const written = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    vi.spyOn(process[name], "write").mockImplementation((text) => Boolean((written[name] += String(text))));
  }
  vi.spyOn(console, "log").mockImplementation((text) => void (written.stdout += `${String(text)}\n`));
  vi.spyOn(console, "error").mockImplementation((text) => void (written.stderr += `${String(text)}\n`));
  return { code: await run(args), ...written };
}

describe("durable-rooms", () => {
  afterEach(() => void vi.restoreAllMocks());

  it("--version prints the version of the package", async () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
    expect(await runBin(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  it.each([
    ["--help"],
    ["help"],
    ["create", "--help"],
    ["token", "--help"],
    ["load", "--help"],
    ["doctor", "--help"],
    ["decode", "--help"],
  ])("%s %s prints help", async (...args) => {
    expect(await runHere(args)).toMatchObject({ code: 0, stdout: expect.stringContaining("Usage: "), stderr: "" });
  });

  it("without a command ends with 2, also as a process", async () => {
    expect(await runBin([])).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("Usage: ") });
  });

  it.each([
    [["laod"], "unknown command 'laod'\n(Did you mean load?)"],
    [["token", "--wolrds", "*"], "(Did you mean --worlds?)"],
    [["token", "--claim", "admin"], "Give a claim as name=value"],
    [["token", "--claim", "exp=1"], "Use --expires"],
    [["token", "--expires", "1 hour"], "Give a time as a number"],
    [["token", "--expires", "0s"], "longer than 0"],
    [["token", "--worlds", "a,,b"], "Give the ids of Worlds"],
    [["create"], "Give the folder"],
    [["create", "x", "--name", "My App"], "small letters"],
    [["load", "--action", "move"], "--room <id>' not specified"],
    [["load", "--room", "game-1"], "--action <name>' not specified"],
    [[...LOAD, "--clients", "0"], "whole number from 1 to 5000"],
    [[...LOAD, "--clients", "2.5"], "whole number from 1 to 5000"],
    [[...LOAD, "--rate", "1e9"], "from 0.01 to 1000"],
    [[...LOAD, "--duration", "11m"], "10 minutes at most"],
    [[...LOAD, "--timeout", "2m"], "a minute at most"],
    [[...LOAD, "--value", "{x}"], "not JSON"],
    [[...LOAD, "--value", "1", "--value-file", "x"], "not both"],
    [[...LOAD, "--value-file", "not/there.json"], "cannot be read"],
    [[...LOAD, "--token-env", "NOT_THERE"], "NOT_THERE is not set"],
    [[...LOAD, "--host", "localhost:8787/parties"], "a name and perhaps a port"],
    [[...LOAD, "--host", "example.com"], "--yes-remote"],
    [["decode"], "missing required argument 'frames'"],
    [["decode", "not/there.bin!"], "neither a file nor a frame"],
    [["decode", "package.json"], "Line 1 of the file"],
    [["decode", "--tables", "{}", "01"], "takes the tables of section 9"],
    [["doctor", "--room", "game-1"], "missing required argument 'url'"],
    [["doctor", "https://example.com"], "--room <id>' not specified"],
    [["doctor", "https://example.com", "--room", "game-1", "--token-env", "NOT_THERE"], "NOT_THERE is not set"],
    [["doctor", "https://example.com/game", "--room", "game-1", "--token-env", "PATH"], "is not the URL of a service"],
    [["doctor", "", "--room", "game-1", "--token-env", "PATH"], '"" is not the URL of a service'],
  ])("%j is wrong: it reports why, and ends with 2", async (args, why) => {
    const { code, stdout, stderr } = await runHere(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(why);
    expect(stderr).not.toContain("    at ");
  });

  it("ends without an error when the reader of its output closes the pipe", async () => {
    expect(await runUnread(["load", "--help"])).toEqual({ code: 0, stderr: "" });
  });
});
