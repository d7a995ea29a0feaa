export { computed, signal } from "@signe/reactive";
export { createRooms } from "./app/create-rooms.ts";
export type { RoomsService, WorldsService } from "./app/create-rooms.ts";
export type { ServiceConfig } from "./app/service-config.ts";
export { transfers } from "./app/transfers.ts";
export type { Transfers } from "./app/transfers.ts";
export type { Worlds } from "./app/worlds.ts";
export { jwt } from "./auth/jwt.ts";
export type { Auth } from "./auth/jwt.ts";
export type { AuthConfig } from "./auth/verify.ts";
export { defineRoom } from "./define/define-room.ts";
export { requireAuth, requireClaim, requireSession } from "./define/guards.ts";
export type { StepContext } from "./define/inputs.ts";
export type { Migrations } from "./define/migrations.ts";
export type { Quarantined, RoomQuarantine } from "./define/quarantine.ts";
export type { AnyRoom, DefinedRoom, Room, StateOf, UserOf } from "./define/room.ts";
export type { StandardSchema } from "./define/standard-schema.ts";
export type {
  Action,
  ActionContext,
  Claims,
  Connection,
  ExpireReason,
  Guard,
  GuardContext,
  Input,
  InputContext,
  LeaveReason,
  ListingOptions,
  Metadata,
  Packet,
  RequestContext,
  ResponseBuilder,
  RoomAddress,
  RoomCallContext,
  RoomDefinition,
  RoomHandle,
  RoomStorage,
  RoomTypes,
  Route,
  Schedule,
  Scheduled,
  ScheduleOptions,
  Snapshot,
} from "./define/types.ts";
export type { ErrorCode } from "./protocol/codes.ts";
export type { LogEntry, LogLevel } from "./platform/ports.ts";
export type { Cost } from "./platform/cost.ts";
export type { Counts } from "./platform/counts.ts";
export type { ObjectMetrics, Overview, RoomMetrics, ShardMetrics } from "./platform/metrics.ts";
export type { WorldMetrics } from "./world/metrics.ts";
export type { WorldConfig } from "./world/settings.ts";
export { RoomError } from "./protocol/errors.ts";
export type { Issue } from "./protocol/errors.ts";
export { collection, connected, id, persist, sync } from "./state/fields.ts";
export { users } from "./app/users.ts";
export { boolean, float32, integer, oneOf, quantized } from "./state/codecs.ts";
export type { Codec } from "./state/codecs.ts";
export { EVERYTHING } from "./state/key-rules.ts";
export { near } from "./state/near.ts";
export type { NearOptions, NearRing } from "./state/near.ts";
export { byKey, sameKey } from "./state/visibility-keys.ts";
export type { ByKeyOptions } from "./state/visibility-keys.ts";
export type { HistoryOptions, Viewer, Visibility } from "./state/field.ts";
export type { Past } from "./state/history.ts";
export { reference } from "./state/reference.ts";
export type { Reference } from "./state/reference.ts";
export type { Collection, FieldOptions, HiddenCollection, HiddenUsers, Users } from "./state/fields.ts";
export { eachItem } from "./state/each-item.ts";
export { loadInto, snapshotOf } from "./state/snapshots.ts";
