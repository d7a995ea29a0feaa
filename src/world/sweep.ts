import type { Registry } from "./registry.ts";
import { SHARD_SILENCE } from "./settings.ts";
import { isActive, loadOf } from "./state.ts";
import type { Shard } from "./state.ts";

/** The maximum number of shards that one sweep removes, since each is a call. The others wait for the next. */
export const MOST_REMOVED = 500;

/**
 * Removes what is no longer used: silent shards, drained shards that are empty, and shards above the room's minimum
 * that have been empty for long; then rooms without shards that are not registered and have not been used for long.
 * @returns the ids of the removed shards
 */
export function sweep(registry: Registry, roomIdle: number, now: number): string[] {
  const removed: string[] = [];
  for (const shard of registry.shards()) {
    if (removed.length >= MOST_REMOVED) break;
    if (!isRemovable(registry, shard, roomIdle, now)) continue;
    const { id } = shard.info();
    registry.removeShard(id);
    removed.push(id);
  }
  for (const room of registry.rooms()) {
    const { id, isRegistered, usedAt } = room.info();
    const isUsed = isRegistered || registry.shardsOf(id).length > 0;
    if (!isUsed && now - usedAt >= roomIdle) registry.removeRoom(id);
  }
  return removed;
}

/** Removes the drained shards that are already empty. @returns their ids */
export function removeDrained(registry: Registry, shards: readonly Shard[], now: number): string[] {
  const removed = shards.filter((shard) => isDrained(shard, now)).map((shard) => shard.info().id);
  for (const id of removed) registry.removeShard(id);
  return removed;
}

/** Whether there is anything that a later sweep may remove. */
export function isSweepNeeded(registry: Registry): boolean {
  return registry.hasShards || registry.rooms().some((room) => !room.info().isRegistered);
}

function isRemovable(registry: Registry, shard: Shard, roomIdle: number, now: number): boolean {
  if (now - shard.info().reportedAt >= SHARD_SILENCE) return true;
  if (isDrained(shard, now)) return true;
  if (loadOf(shard, now) > 0 || !isActive(shard)) return false;
  const { roomId } = shard.info();
  const minimum = registry.room(roomId)?.info().config.minShards ?? 0;
  return now - shard.ledger().usedAt >= roomIdle && registry.activeOf(roomId).length > minimum;
}

/** Whether a shard was drained and has neither clients nor reservations. */
function isDrained(shard: Shard, now: number): boolean {
  return shard.info().status === "draining" && loadOf(shard, now) === 0;
}
