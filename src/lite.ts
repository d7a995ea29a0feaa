export * from "./index.ts";
export { createRooms } from "./app/create-lite.ts";
export type { RoomsServiceConfig as ServiceConfig } from "./app/service.ts";
