/**
 * What the commands need of other packages. In the published package it is all in this one module, so that who uses the
 * library does not install them: see .ci/bundle-cli.mjs.
 */
export { Command, CommanderError, InvalidArgumentError, Option } from "commander";
export { WebSocket } from "ws";
