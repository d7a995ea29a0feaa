import fc from "fast-check";

/** The input of hostile clients, as plain data for objects in the suite and for sockets of a real workerd. */

/** Keys that could reach a prototype or inherited properties, or that have a special meaning for clients or storage. */
export const hostileKey = fc.oneof(
  fc.constantFrom(
    "__proto__",
    "constructor",
    "prototype",
    "toString",
    "hasOwnProperty",
    "__defineGetter__",
    "valueOf",
    "toJSON",
    "then",
    "length",
    "observable",
    "_subject",
    "$delete",
    "$path",
    "pId",
    "a.b",
    "__proto__.polluted",
    ".",
    "",
    "%2E%2E",
    "$session:x",
    "~",
    "a\0b",
    "\ud800",
    "🎲",
    "0",
    "-1",
    "4294967295",
  ),
  fc.string({ unit: "binary", maxLength: 8 }),
);

const scalar = fc.oneof(
  fc.integer().map(String),
  fc.constantFrom("1e999", "-1e999", "-0", "1e-400", "9007199254740993", "true", "null", '"$delete"', '"\\ud800"'),
  hostileKey.map((key) => JSON.stringify(key)),
);

/** JSON texts, also with keys and numbers that no JavaScript object has. */
export const jsonText: fc.Arbitrary<string> = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    scalar,
    fc.array(tie("any"), { maxLength: 4 }).map((items) => `[${items.join(",")}]`),
    fc
      .array(fc.tuple(hostileKey, tie("any")), { maxLength: 4 })
      .map((entries) => `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${inner}`).join(",")}}`),
  ),
})).any;

/** Values that are deeply nested, long, or wide. */
const heavyText = fc.oneof(
  fc.integer({ min: 60, max: 20_000 }).map((depth) => "[".repeat(depth) + "]".repeat(depth)),
  fc.integer({ min: 60, max: 5000 }).map((depth) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`),
  fc.integer({ min: 1, max: 80_000 }).map((length) => JSON.stringify("x".repeat(length))),
  fc.integer({ min: 1, max: 15_000 }).map((length) => `[${"0,".repeat(length)}0]`),
  fc.integer({ min: 1, max: 4000 }).map((length) => `{${Array.from({ length }, (_, i) => `"${i}":0`).join(",")}}`),
);

const broken = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.constantFrom(
    "",
    "{",
    "[",
    '"',
    "nul",
    "{}",
    "[]",
    "null",
    "1",
    '{"action":',
    "\u0000",
    "\ufeff{}",
    "[".repeat(30_000),
  ),
  fc.tuple(jsonText, fc.nat()).map(([text, at]) => text.slice(0, at % (text.length + 1))),
);

const messageId = fc.oneof(
  fc.constantFrom("", "undefined", "1e999", "{}", "[]", "null", "true", "-1", '"__proto__"', `"${"i".repeat(300)}"`),
  fc.integer().map(String),
  hostileKey.map((key) => JSON.stringify(key)),
);

/** Text frames. @param actions the names of the room's actions */
export function frameText(actions: readonly string[]): fc.Arbitrary<string> {
  const action = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...actions).map((name) => JSON.stringify(name)) },
    { weight: 2, arbitrary: hostileKey.map((name) => JSON.stringify(name)) },
    { weight: 1, arbitrary: jsonText },
  );
  const value = fc.oneof(
    { weight: 12, arbitrary: jsonText },
    { weight: 6, arbitrary: fc.tuple(hostileKey, jsonText).map(([key, inner]) => `[${JSON.stringify(key)},${inner}]`) },
    { weight: 1, arbitrary: heavyText },
  );
  const message = fc
    .tuple(action, value, messageId, jsonText, fc.boolean())
    .map(([name, inner, id, extra, hasExtra]) =>
      [`{"action":${name}`, `"value":${inner}`, id && `"id":${id}`, hasExtra && `"__proto__":${extra}`]
        .filter(Boolean)
        .join(",")
        .concat("}"),
    );
  return fc.oneof({ weight: 8, arbitrary: message }, { weight: 1, arbitrary: broken });
}

const encodings = fc.constantFrom(
  (text: string) => encodeURIComponent(text.toWellFormed()),
  (text: string) => encodeURIComponent(encodeURIComponent(text.toWellFormed())),
  (text: string) => encodeURI(text.toWellFormed()),
  (text: string) => [...new TextEncoder().encode(text)].map((byte) => `%${byte.toString(16)}`).join(""),
);

/** One segment of a path, which may try to be several segments. */
export const segment = fc.oneof(
  fc.constantFrom(
    "..",
    "%2e%2e",
    "%2E%2E%2F%2E%2E",
    "..%2f..%2fworld%2fw",
    "..%5c",
    ".",
    "%00",
    "%",
    "%zz",
    "%C0%AE",
    "%E0%A4%A",
    "%u002e",
    "__proto__",
    "constructor",
    "world",
    "shard",
    ";",
    "a;b=c",
    "a%0d%0aset-cookie:x=y",
    "a%20b",
    "x".repeat(600),
    "%F0%9F%8E%B2".repeat(300),
  ),
  fc.tuple(hostileKey, encodings).map(([key, encode]) => encode(key)),
);

/** A query string. @param secrets values that an attacker might guess */
export const query: fc.Arbitrary<string> = fc
  .array(
    fc.tuple(
      fc.oneof(
        fc.constantFrom("id", "_pk", "token", "transferToken", "protocol", "since", "epoch", "world-auth-token", "x"),
        hostileKey.map((key) => encodeURIComponent(key.toWellFormed())),
      ),
      fc.oneof(
        fc.constantFrom("2", "-1", "1e999", "NaN", "", "%00", "%ff", "%0d%0aX-A:b", "i".repeat(300)),
        hostileKey.map((key) => encodeURIComponent(key.toWellFormed())),
        fc.stringMatching(/^[A-Za-z0-9_-]{43}$/),
        fc.uuid(),
      ),
    ),
    { maxLength: 4 },
  )
  .map((pairs) => pairs.map(([name, value]) => `${name}=${value}`).join("&"));

/** Headers that only the service itself may set, and headers about the client's location or the body. */
export const header: fc.Arbitrary<readonly [name: string, value: string]> = fc.tuple(
  fc.constantFrom(
    "x-durable-rooms-auth",
    "X-Durable-Rooms-Auth",
    "x-durable-rooms-",
    "x-durable-rooms-internal",
    "x-access-shard",
    "authorization",
    "cookie",
    "host",
    "origin",
    "content-type",
    "x-forwarded-for",
    "cf-connecting-ip",
    "x-http-method-override",
    "accept-encoding",
    "x-echo",
  ),
  fc.oneof(
    fc.constantFrom(
      "%7B%22role%22%3A%22admin%22%7D",
      '{"role":"admin"}',
      "%",
      "Bearer ",
      "Bearer a.b.c",
      "Basic YTpi",
      "application/json",
      "text/html",
      "a".repeat(4000),
      "127.0.0.1",
      "::1",
      "null",
    ),
    fc.stringMatching(/^[\x21-\x7e]{1,30}$/),
  ),
);

export const method = fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS");

export const body = fc.oneof(
  jsonText,
  heavyText,
  broken,
  fc.tuple(hostileKey, jsonText).map(([k, v]) => `{${JSON.stringify(k)}:${v}}`),
);

/** A token that is unchanged or damaged. */
export function spoiled(tokens: readonly string[]): fc.Arbitrary<string> {
  return fc.tuple(fc.constantFrom(...tokens), fc.nat(), fc.constantFrom(0, 1, 2, 3, 4)).map(([token, at, how]) => {
    const index = at % token.length;
    if (how === 1) return token.slice(0, index);
    if (how === 2) return `${token.slice(0, index)}A${token.slice(index + 1)}x`;
    if (how === 3) return token.split(".").reverse().join(".");
    if (how === 4) return `${token}.${token}`;
    return token;
  });
}
