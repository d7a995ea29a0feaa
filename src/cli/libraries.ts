/**
 * The other packages that the commands use. The published package contains them in this module, so that users of the
 * library do not install them: see .ci/bundle-cli.mjs.
 */
export { Command, CommanderError, InvalidArgumentError, Option } from "commander";
export { WebSocket } from "ws";
