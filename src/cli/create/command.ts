import { relative, resolve } from "node:path";
import { createInterface } from "node:readline";
import { Option } from "../libraries.ts";
import type { Command } from "../libraries.ts";
import { Failure, UsageError } from "../failure.ts";
import { install, packageManager } from "./package-manager.ts";
import { createProject, TEMPLATES } from "./project.ts";
import type { Template } from "./project.ts";

interface CreateOptions {
  readonly name?: string;
  readonly package?: string;
  readonly install?: boolean;
  readonly template: Template;
}

const USUAL = "my-app";
/** What wrangler and vitest need. */
const LEAST_NODE = 22;
const EXAMPLES = `
Examples:
  $ durable-rooms create my-app
  $ durable-rooms create my-app --template vite-react
  $ durable-rooms create my-game --template action
  $ durable-rooms create . --name my-game --install`;

export function addCreate(program: Command): void {
  program
    .command("create")
    .summary("makes a new project")
    .description("makes a new project: a Worker with one room, a page, and a test")
    .argument("[directory]", "the folder of the project, new or empty")
    .addOption(
      new Option("--template <name>", "a page without a framework, one with Vite and React, or a small game")
        .choices(TEMPLATES)
        .default("vanilla"),
    )
    .option("--name <name>", "the name of the project (default: the name of the folder)")
    .option("--install", "also installs the packages")
    .option("--package <spec>", "the durable-rooms package to use: a version, a URL, or the path of a tarball")
    .addHelpText("after", EXAMPLES)
    .action(create);
}

async function create(directory: string | undefined, options: CreateOptions): Promise<void> {
  const target = resolve(directory ?? (await ask()));
  const name = await createProject(target, { ...options, packageSpec: options.package });
  const manager = packageManager();
  if (options.install) await install(manager, target);
  console.log(nextSteps(name, target, manager, options));
}

async function ask(): Promise<string> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw new UsageError(`Give the folder of the project: durable-rooms create ${USUAL}`);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await new Promise<string>((answered, ended) => {
    // Ctrl-C, or the end of the input.
    terminal.once("close", () => ended(new Failure("No project was created")));
    terminal.question(`Folder of the project? (${USUAL}) `, answered);
  });
  terminal.close();
  return answer.trim() || USUAL;
}

/** Where the page is. */
const PORTS: Readonly<Record<Template, number>> = { vanilla: 8787, "vite-react": 5173, action: 8787 };

function nextSteps(name: string, target: string, manager: string, { install: isInstalled, template }: CreateOptions) {
  const path = relative(process.cwd(), target);
  const steps = [
    path && `cd ${/\s/.test(path) ? JSON.stringify(path) : path}`,
    !isInstalled && `${manager} install`,
    `${manager} run dev      # the page, on http://localhost:${PORTS[template]}`,
    `${manager} run test     # the test of its room`,
  ];
  const lines = [
    `\n${name} was created. Next steps:\n`,
    ...steps.filter(Boolean).map((step) => `  ${String(step)}`),
    "",
  ];
  const node = Number.parseInt(process.versions.node, 10);
  if (node < LEAST_NODE) lines.push(`It needs Node ${LEAST_NODE} or later: this is ${process.version}.\n`);
  return lines.join("\n");
}
