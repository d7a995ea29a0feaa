import { defineConfig } from "oxlint";

/** What each folder of `src` may import besides itself. A test compares these layers with docs/architecture.md. */
const core = ["protocol", "platform", "state", "define", "relay"];
const server = [...core, "room", "auth", "world", "shard", "objects"];
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  platform: ["protocol"],
  state: ["protocol"],
  define: ["protocol", "state"],
  relay: core,
  room: core,
  auth: core,
  world: [...core, "room", "auth"],
  shard: [...core, "room", "auth", "world"],
  objects: server,
  app: server,
  inspector: [...server, "app"],
  client: ["protocol"],
  netcode: ["protocol", "state", "client"],
  react: ["client", "netcode"],
  frameworks: ["client"],
  testing: [...server, "app", "client", "react"],
  cli: ["protocol", "client"],
  demo: [],
};

/**
 * What each folder of `src/room` may import there. Files of `src/room` itself may import all folders, but not the
 * reverse.
 */
export const ROOM: Readonly<Record<string, readonly string[]>> = {
  timing: [],
  connections: ["timing"],
  storage: ["timing"],
  handlers: ["timing", "connections"],
  sync: ["timing", "connections", "storage"],
  sessions: ["timing", "connections", "storage"],
  listing: ["timing", "connections", "storage"],
  requests: ["timing", "handlers"],
  actions: ["timing", "connections", "handlers", "sessions"],
  transfers: ["timing", "connections", "storage", "handlers", "sessions"],
  shards: ["timing", "connections", "storage", "sync"],
};

/** Folders from which a layer may import types, but no code. */
export const TYPES_ONLY: Readonly<Record<string, readonly string[]>> = {
  client: ["define", "state"],
  netcode: ["define"],
  react: server,
  frameworks: ["define"],
  cli: ["define"],
};

/** Entry points that a layer may import although it may not import their folders. */
const ENTRIES: Readonly<Record<string, readonly string[]>> = {
  demo: ["!**/client/index.ts", "!**/inspector/index.ts"],
};

interface Pattern {
  readonly group: string[];
  readonly message: string;
  readonly allowTypeImports?: boolean;
}

const PLATFORM: Pattern = { group: ["cloudflare:*"], message: "Only src/objects and src/testing touch the platform" };

function within(folders: readonly string[]): string[] {
  return folders.map((folder) => `**/${folder}/**`);
}

function restricted(files: string, patterns: readonly Pattern[]) {
  const rule: ["error", { patterns: Pattern[] }] = [
    "error",
    { patterns: patterns.filter(({ group }) => group.length > 0) },
  ];
  return { files: [files], rules: { "no-restricted-imports": rule } };
}

function patternsOf(layer: string): Pattern[] {
  const types = TYPES_ONLY[layer] ?? [];
  const allowed = new Set([layer, ...(LAYERS[layer] ?? []), ...types]);
  const denied = Object.keys(LAYERS).filter((name) => !allowed.has(name));
  const may = `src/${layer} may import ${[layer, ...(LAYERS[layer] ?? [])].join(", ")} only`;
  const patterns: Pattern[] = [
    { group: [...within(denied), ...(ENTRIES[layer] ?? [])], message: `${may}: see docs/architecture.md` },
    { group: within(types), message: `${may}, and types: see docs/architecture.md`, allowTypeImports: true },
  ];
  return layer === "objects" || layer === "testing" ? patterns : [...patterns, PLATFORM];
}

/** Only one module may import these packages, because .ci/bundle-cli.mjs bundles them for the published commands. */
const BUNDLED: Pattern = { group: ["commander", "ws"], message: "Import it from src/cli/libraries.ts" };
const commands = [
  restricted("src/cli/**", [...patternsOf("cli"), BUNDLED]),
  restricted("src/cli/libraries.ts", patternsOf("cli")),
];

const layers = Object.keys(LAYERS).map((layer) => restricted(`src/${layer}/**`, patternsOf(layer)));

const roomFolders = Object.entries(ROOM).map(([folder, allowed]) => {
  const denied = Object.keys(ROOM).filter((name) => name !== folder && !allowed.includes(name));
  const message = `src/room/${folder} may import ${allowed.join(", ") || "nothing"} of the room: see docs/architecture.md`;
  const group = [...denied.map((name) => `../${name}/**`), "../*.ts"];
  return restricted(`src/room/${folder}/**`, [...patternsOf("room"), { group, message }]);
});

const inspectorPage = restricted("src/inspector/page/**", [
  {
    group: [...within([...server, "app", "inspector"]), "../*"],
    message: "The inspector's page may import the client, as any page would, and types",
    allowTypeImports: true,
  },
  {
    group: within(["netcode", "react", "frameworks", "testing", "cli", "demo"]),
    message: "The inspector's page may import the client, as any page would, and types",
  },
  PLATFORM,
]);

const entryPoints = restricted("src/*.ts", [
  {
    group: within(["client", "netcode", "react", "frameworks", "testing", "inspector", "cli", "demo"]),
    message: "src/index.ts exports what a Worker needs; clients and tests have entry points of their own",
  },
  PLATFORM,
]);

/** Parts of signals that are not public API of `@signe/reactive`. Only the adapter may use them. */
const PRIVATE_PARTS = ["_subject", "_isFrozen", "_items", "_obj", "obj", "observable", "subscription", "dependencies"];
const signals = [
  {
    files: ["src/**"],
    rules: {
      "no-restricted-properties": [
        "error",
        ...PRIVATE_PARTS.map((property) => ({
          property,
          message: "A private part of @signe/reactive: use src/state/signals, see CONTRIBUTING.md",
        })),
      ] as ["error", ...{ property: string; message: string }[]],
    },
  },
  { files: ["src/state/signals/**", "src/cli/**"], rules: { "no-restricted-properties": "off" as const } },
];

export default defineConfig({
  plugins: ["typescript", "import", "unicorn", "oxc"],
  categories: { correctness: "error", suspicious: "error", perf: "error" },
  rules: {
    "import/no-cycle": ["error", { ignoreTypes: false }],
    "max-lines": ["error", { max: 400 }],
    "typescript/no-explicit-any": "error",
    "typescript/no-floating-promises": "error",
    "typescript/no-misused-promises": "error",
    "typescript/no-non-null-assertion": "error",
    "typescript/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
    "no-await-in-loop": "off",
    "typescript/no-unsafe-type-assertion": "off",
    "no-underscore-dangle": "off",
    "import/no-named-as-default-member": "off",
    "typescript/no-unnecessary-type-parameters": "off",
    "typescript/consistent-return": "off",
  },
  overrides: [
    ...signals,
    ...layers,
    ...commands,
    ...roomFolders,
    inspectorPage,
    entryPoints,
    {
      files: ["test/**"],
      rules: {
        "max-lines": "off",
        "typescript/no-unsafe-type-assertion": "off",
        "no-shadow": "off",
        "unicorn/no-array-reverse": "off",
        "typescript/no-array-delete": "off",
        "unicorn/consistent-function-scoping": "off",
      },
    },
  ],
  ignorePatterns: [
    "dist",
    "dist-demo",
    "dist-worker",
    "worker-configuration.d.ts",
    "test/fixture",
    "test/examples",
    "test/bench/peers/agents",
    "src/inspector/assets.ts",
    "src/client/file-text.ts",
    // These are parts of projects. `npm run test:package` type-checks them in complete projects.
    "src/templates",
  ],
});
