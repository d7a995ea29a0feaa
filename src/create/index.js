#!/usr/bin/env node
// `npm create durable-rooms` looks for a package of this name. All that it does is in durable-rooms.
import { run } from "durable-rooms/cli";

process.exitCode = await run(["create", ...process.argv.slice(2)]);
