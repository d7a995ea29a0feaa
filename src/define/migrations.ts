/** A stored state or entry as plain values, by the names of its fields. */
export type Snapshot = Record<string, unknown>;

/**
 * Migration steps by version: each converts a snapshot of the previous version. A snapshot has plain values by the
 * names of fields, and the entries of collections by key. Steps run before any hook. They cannot be async.
 *
 * @example
 * import type { Migrations } from "durable-rooms";
 * const migrate: Migrations = { 2: ({ points, ...others }) => ({ ...others, score: points }) };
 */
export type Migrations = Readonly<Record<number, (snapshot: Snapshot) => Snapshot>>;

/** @throws Error that names the option, unless there is exactly one step for each version from 2 on */
export function checkMigrations(where: string, version: number, migrate: Migrations): void {
  for (let step = 2; step <= version; step++) {
    if (!Object.hasOwn(migrate, step)) {
      throw new Error(
        `${where}: migrate has no step ${step}. Version ${version} needs a step for each version from 2 to ${version}`,
      );
    }
  }
  for (const [name, run] of Object.entries(migrate)) {
    const step = Number(name);
    if (String(step) !== name || !Number.isInteger(step) || step < 2 || step > version) {
      throw new Error(
        `${where}: migrate has a step "${name}". Version ${version} needs a step for each version from 2 to ${version}`,
      );
    }
    if (typeof run !== "function") throw new Error(`${where}: migrate[${name}] has to be a function of the snapshot`);
  }
}
