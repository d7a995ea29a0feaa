import fc from "fast-check";
import { TrieRouter } from "hono/router/trie-router";
import { describe, expect, it } from "vitest";
import { compileRoutes } from "../../src/define/routes.ts";

const run = () => undefined;

describe("routes of a room", () => {
  const segment = fc.constantFrom("a", "b", "a.b", ":id", ":name{[0-9]+}");
  const route = fc.tuple(fc.array(segment, { maxLength: 3 }), fc.boolean()).map(([parts, isOpen]) => {
    // A parameter name may occur only once.
    const names = new Set<string>();
    const own = parts.filter((part) => !part.startsWith(":") || (!names.has(part) && names.add(part)));
    return `/${[...own, ...(isOpen ? ["*"] : [])].join("/")}`;
  });
  const asked = fc
    .tuple(fc.array(fc.constantFrom("a", "b", "a.b", "aXb", "7", "x%2Fy"), { maxLength: 4 }), fc.boolean())
    .map(([parts, isSlashed]) => `/${parts.join("/")}${isSlashed && parts.length > 0 ? "/" : ""}`);

  it("are found as Hono's router finds them", () => {
    let found = 0;
    fc.assert(
      fc.property(fc.uniqueArray(route, { minLength: 1, maxLength: 5 }), asked, (paths, path) => {
        const trie = new TrieRouter<string>();
        for (const each of paths) trie.add("GET", each, each);
        const [matches, stash] = trie.match("GET", path);
        const [key, params = {}] = matches[0] ?? [];
        const routes = compileRoutes(Object.fromEntries(paths.map((each) => [`GET ${each}`, { run }])));
        const match = routes.match("GET", path);
        if (key === undefined) {
          expect(match.kind).toBe("unknown path");
          return;
        }
        found++;
        const values = Object.entries(params).map(([name, at]) => [name, typeof at === "number" ? stash?.[at] : at]);
        const expected = Object.fromEntries(values.filter(([, value]) => value !== undefined));
        expect(match).toMatchObject({ kind: "found", key: `GET ${key}`, params: expected });
      }),
      { numRuns: 3000 },
    );
    expect(found).toBeGreaterThan(300);
  });

  it("are not found with an extra slash, and accept wildcards, patterns and optional parts", () => {
    const routes = compileRoutes({
      "GET /a": { run },
      "POST /b/:id{[0-9]+}": { run },
      "GET /c/:id?": { run },
      "GET /files/*": { run },
    });
    const kinds = (...asked: [method: string, path: string][]) =>
      asked.map(([method, path]) => routes.match(method, path).kind);
    expect(kinds(["GET", "/a"], ["GET", "/a/"], ["HEAD", "/a"], ["POST", "/a"])).toEqual([
      "found",
      "unknown path",
      "found",
      "wrong method",
    ]);
    expect(kinds(["POST", "/b/7"], ["POST", "/b/x"], ["GET", "/c"], ["GET", "/c/1"], ["GET", "/files/a/b"])).toEqual([
      "found",
      "unknown path",
      "found",
      "found",
      "found",
    ]);
  });
});
