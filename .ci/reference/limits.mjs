// Writes the numbers of docs/limits.md from the constants of the sources, and compares the defaults of docstrings with them.
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { settingsOf } from "../../src/define/settings.ts";
import { checkWorldConfig } from "../../src/world/settings.ts";
import { defaultsOf } from "./options.mjs";

/** The defaults of `defineRoom` and `worlds`, by the names of the options in docs/limits.md. */
function defaults() {
  const worlds = Object.entries(checkWorldConfig({})).map(([name, value]) => [`world.${name}`, value]);
  return new Map([...Object.entries(settingsOf({})), ...worlds]);
}

/**
 * Replaces the numbers of docs/limits.md: in rows about an option by its default, and in other rows by the constant
 * that a comment names, as in `64<!-- protocol/values.ts#MAX_DEPTH -->`.
 * @returns the new page
 */
export function writeLimits(page) {
  const values = defaults();
  return page
    .replaceAll(/^(\| [^|]+ \| )([^|]+)( \| `([\w.]+)`(?:,[^|]*)? \|.*)$/gm, (row, what, cell, rest, name) =>
      values.has(name) ? `${what}${inWords(values.get(name), cell)}${rest}` : row,
    )
    .replaceAll(/[\d,]+(<!-- ([\w/-]+\.ts)#([\w.]+) -->(?: (s|min|hour)\b)?)/g, (_, rest, file, name, unit) => {
      return `${format(constantOf(file, name) / (MILLISECONDS[unit] ?? 1))}${rest}`;
    });
}

const MILLISECONDS = { s: 1000, min: 60_000, hour: 3_600_000 };

/** A number from a source file: a constant, a product of constants, or a field of one, as in `MAX_WAITING.user`. */
function constantOf(file, path) {
  const [name, field] = path.split(".");
  const source = readFileSync(new URL(`../../src/${file}`, import.meta.url), "utf8");
  const code = new RegExp(`^(?:export )?const ${name}(?:: \\w+)? = ([^;]+);`, "m").exec(source)?.[1] ?? "";
  const value = field === undefined ? code : (new RegExp(`\\b${field}: ([^,}]+)`).exec(code)?.[1] ?? "");
  if (value === "") throw new Error(`docs/limits.md names ${file}#${path}, which is not there`);
  return value
    .trim()
    .split(" * ")
    .map((factor) => (/^\d/.test(factor) ? Number(factor.replaceAll("_", "")) : constantOf(file, factor)))
    .reduce((product, factor) => product * factor);
}

/** @param before the previous text of the cell, which contains the unit */
function inWords(value, before) {
  if (value === Infinity) return before.startsWith("no") ? before : "no limit";
  if (typeof value === "object")
    return `${format(value.messages ?? value.joins ?? value.requests)} in ${format(value.per)} ms`;
  const unit = / (?:ms|s)$/.exec(before)?.[0] ?? "";
  return `${format(unit === " s" ? value / 1000 : value)}${unit}`;
}

function format(number) {
  return number < 10_000 ? String(number) : number.toLocaleString("en");
}

/** Options of the client whose defaults are constants. */
const CLIENT = {
  "CommonOptions.callTimeout": ["client/client.ts", "CALL_TIMEOUT"],
  "SocketOptions.maxReconnectionDelay": ["client/reconnecting-socket.ts", "LONGEST_DELAY"],
  "SocketOptions.minUptime": ["client/reconnecting-socket.ts", "MIN_UPTIME"],
  "SocketOptions.reconnectionDelayGrowFactor": ["client/reconnecting-socket.ts", "GROW_FACTOR"],
};

/** @throws Error with the name of the option if its docstring has another default than the code */
export function checkDefaults(project) {
  const values = [
    ...[...defaults()].map(([name, value]) => [
      name.startsWith("world.") ? name.replace("world.", "WorldConfig.") : `RoomDefinition.${name}`,
      value,
    ]),
    ...Object.entries(CLIENT).map(([name, constant]) => [name, constantOf(...constant)]),
  ];
  for (const [path, value] of values) {
    const [type, name] = path.split(".");
    const said = defaultsOf(type, project).get(name);
    const isSaid = value === Infinity ? /^(Infinity|no limit|never)$/.test(said) : isDeepStrictEqual(read(said), value);
    if (!isSaid) throw new Error(`The docstring of ${path} says "${said}", and the code has ${JSON.stringify(value)}`);
  }
}

/** Parses the value in a docstring, such as "`{ messages: 500, per: 1000 }`" or "300,000 (5 minutes)". */
function read(preset = "") {
  const json = preset
    .replaceAll("`", "")
    .replace(/ \([^)]*\)$/, "")
    .replaceAll(/(?<=\d)[,_](?=\d{3})/g, "")
    .replaceAll(/\w+(?=:)/g, '"$&"');
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}
