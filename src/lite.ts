/**
 * The same as `durable-rooms`, which has been as small since Worlds are a module of their own.
 * @deprecated Import from `durable-rooms`
 */
export * from "./index.ts";
