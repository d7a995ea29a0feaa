// Writes the tables of docs/options.md from the docstrings of types. The table of a type is between `<!--
// RoomDefinition -->` and `<!-- end of RoomDefinition -->`, with the name of the type.
import { ReflectionKind } from "typedoc";

/** The guides that describe an option in more detail. */
const GUIDES = {
  RoomDefinition: {
    actions: "actions.md",
    auth: "auth.md",
    autoSync: "sync.md#sending-by-hand",
    actionTimeout: "actions.md#actions-that-take-long",
    connectionState: "types.md",
    events: "sync.md#events",
    expireAfter: "lifecycle.md#rooms-that-nobody-visits",
    guards: "actions.md#guards",
    inputs: "netcode.md",
    interceptorPacket: "sync.md#changing-packets-on-their-way",
    join: "sessions.md#what-clients-join-with",
    maxSilentBytes: "sync.md#clients-that-do-not-read",
    maxUnconfirmedBytes: "sync.md#clients-that-do-not-read",
    migrate: "persistence.md#new-versions-of-a-state",
    onCreate: "lifecycle.md#the-beginning",
    onDestroy: "lifecycle.md#the-end",
    onExpire: "lifecycle.md#users-who-leave-for-good",
    onJoin: "sessions.md#coming-and-going",
    onLeave: "sessions.md#coming-and-going",
    rateLimit: "actions.md#too-many-messages",
    requests: "requests.md",
    schedules: "schedules.md#later",
    spectators: "sessions.md#spectators",
    state: "state.md",
    tick: "schedules.md",
    transferExpiryTime: "sessions.md#moving-users-to-other-rooms",
    version: "persistence.md#new-versions-of-a-state",
  },
  Action: { from: "between-rooms.md#calls", guards: "actions.md#guards", rateLimit: "actions.md#too-many-messages" },
  ServiceConfig: {
    auth: "auth.md",
    cors: "deploying.md#custom-domains-and-cors",
    inspector: "inspector.md",
    jurisdiction: "deploying.md#where-rooms-run",
    locationHint: "deploying.md#where-rooms-run",
    log: "observability.md#the-log",
    transfers: "sessions.md#moving-users-to-other-rooms",
    world: "sharding.md",
  },
  WorldConfig: { balancing: "deploying.md#where-rooms-run", requests: "lobbies.md#routes-of-your-own" },
  CommonOptions: {
    batch: "client.md#several-messages-in-one-frame",
    binary: "sync.md#fewer-bytes",
    callTimeout: "client.md#lost-connections",
    host: "client.md#when-it-does-not-connect",
    id: "sessions.md",
    storage: "client.md#who-a-client-is",
    transferToken: "sessions.md#moving-users-to-other-rooms",
  },
  RoomOptions: { room: "lobbies.md" },
  RoomHandle: {
    applySync: "sync.md#sending-by-hand",
    call: "between-rooms.md#calls",
    destroy: "lifecycle.md#the-end",
    fetch: "between-rooms.md",
    forget: "lifecycle.md#forgetting-a-user",
    quarantine: "persistence.md#new-versions-of-a-state",
    rewind: "netcode.md#rewind",
    schedule: "schedules.md#later",
    sessionTransfer: "sessions.md#moving-users-to-other-rooms",
    setListing: "lobbies.md",
  },
};

/** Objects that handlers get. Their tables only have the first sentence of each docstring. */
const HANDLES = { RoomHandle: "room", Connection: "conn" };

/** Methods whose type has a rest parameter in place of single parameters. */
const CALLS = { schedule: "schedule(name, when, payload, { key })" };

/** Types whose tables only have the options that they add to the type that they extend. */
const EXTENSIONS = new Set(["RoomOptions", "ShardOptions", "FindOptions", "ListOptions"]);

/** @returns the page with tables that match the docstrings */
export function writeOptions(page, project) {
  const names = [...page.matchAll(/^<!-- end of (\w+) -->$/gm)].map(([, name]) => name);
  return names.reduce((text, name) => {
    const [before, after] = [`<!-- ${name} -->\n`, `<!-- end of ${name} -->`];
    const [start, end] = [text.indexOf(before), text.indexOf(after)];
    if (start < 0) throw new Error(`docs/options.md has no ${before.trim()}`);
    return `${text.slice(0, start + before.length)}\n${tableOf(name, project)}\n${text.slice(end)}`;
  }, page);
}

/** @returns the default of each option of a type, as its docstring has it */
export function defaultsOf(name, project) {
  const options = membersOf(name, project).filter(({ flags }) => flags.isOptional);
  return new Map(options.map((option) => [option.name, describe(option, name).preset]));
}

function tableOf(name, project) {
  const handle = HANDLES[name];
  const members = membersOf(name, project).filter((member) => !commentOf(member)?.getTag("@deprecated"));
  // The type is conditional, so it has no fixed options. Its own docstring names them.
  if (members.length === 0) return `${commentText(typeNamed(name, project).comment)}\n`;
  const guides = GUIDES[name] ?? {};
  const unknown = Object.keys(guides).filter((key) => !members.some((member) => member.name === key));
  if (unknown.length > 0) throw new Error(`${name} has no ${unknown.join(", ")}`);
  const rows = members.map((member) => {
    const link = guides[member.name];
    const code = `\`${callOf(member)}\``;
    const title = link ? `[${code}](${link})` : code;
    if (handle) return [title, firstSentence(textOf(member))];
    const { text, preset } = describe(member, name);
    // Put the type into the same column as the name, so that there is room for the text on a phone.
    return [`${title}<br>${member.signatures ? "function" : typeOf(member.type)}`, preset, text];
  });
  const head = handle ? [`\`${handle}\``, ""] : ["option", "default", ""];
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.map(escape).join(" | ")} |\n`);
  return lines.join("").replaceAll(/ {2,}/g, " ");
}

function typeNamed(name, project) {
  const types = project.getReflectionsByKind(ReflectionKind.Interface | ReflectionKind.TypeAlias);
  const found = types.find((type) => type.name === name);
  if (!found) throw new Error(`docs/options.md names ${name}, which is no type`);
  return found;
}

/** The options of a type in the order of the source, with the required ones first. */
function membersOf(name, project) {
  const members = typeNamed(name, project).children ?? [];
  const own = EXTENSIONS.has(name) ? members.filter((member) => !member.inheritedFrom) : members;
  return own.toSorted((a, b) => Boolean(a.flags.isOptional) - Boolean(b.flags.isOptional) || a.id - b.id);
}

/** What an option does, and its default, which is in the last sentence of the docstring. */
function describe(member, name) {
  const text = textOf(member);
  if (!member.flags.isOptional) return { text: text.replace(/ ?Required\.$/, ""), preset: "required" };
  const [, does = "", preset, more = ""] = /^(?:([^]*) )?Default:? (.+?)\.( .*)?$/.exec(text) ?? [];
  if (!preset) throw new Error(`The docstring of ${name}.${member.name} has to say its default, as in "Default 16."`);
  return { text: (does + more).trim(), preset };
}

function commentOf(member) {
  return member.comment ?? member.signatures?.[0]?.comment ?? member.type?.declaration?.signatures?.[0]?.comment;
}

function textOf(member) {
  return commentText(commentOf(member)).replaceAll(/\s+/g, " ");
}

function commentText(comment) {
  const parts = comment?.summary ?? [];
  return parts
    .map(({ kind, text }) => (kind === "inline-tag" ? `\`${text}\`` : text))
    .join("")
    .trim();
}

function firstSentence(text) {
  return /^.*?[.!?](?= [A-Z`]|$)/.exec(text)?.[0] ?? text;
}

function callOf({ name, signatures }) {
  if (!signatures) return name;
  const parameters = signatures[0].parameters ?? [];
  return CALLS[name] ?? `${name}(${parameters.map((parameter) => parameter.name).join(", ")})`;
}

/** The type in a few words. The reference has the complete type. */
function typeOf(type) {
  switch (type.type) {
    case "intrinsic":
      return type.name;
    case "literal":
      return JSON.stringify(type.value);
    case "union":
      return [...new Set(type.types.map(typeOf))].join(" | ");
    case "array":
      return `${typeOf(type.elementType)}[]`;
    case "typeOperator":
      return typeOf(type.target);
    case "reference":
      return referenceOf(type);
    case "reflection":
      return type.declaration.signatures ? "function" : shapeOf(type.declaration);
    default:
      return "object";
  }
}

function referenceOf({ name, typeArguments }) {
  if (name === "Hook") return "function";
  // These types stand for a value, or a function that returns it.
  if (name === "Choice" || name === "Given") return `${typeOf(typeArguments[0])} | function`;
  if (name === "RateLimit") return "{ messages, per }";
  if (name.length === 1) return "schema";
  return typeArguments?.length && name !== "Guard" ? "object" : name;
}

function shapeOf({ children = [] }) {
  const names = children.toSorted((a, b) => a.id - b.id).map(({ name, flags }) => name + (flags.isOptional ? "?" : ""));
  return names.length > 0 ? `{ ${names.join(", ")} }` : "object";
}

function escape(cell) {
  return cell.replaceAll("|", String.raw`\|`);
}
