/** Plain stored values by field name. */
export type Snapshot = Record<string, unknown>;

/**
 * Steps by version: each turns a snapshot of the version before into one of its version. A snapshot has plain values by
 * field name, and entries by key. Steps run before any hook, and cannot be async.
 */
export type Migrations = Readonly<Record<number, (snapshot: Snapshot) => Snapshot>>;

/** @throws Error that names the option, unless there is exactly one step for each version from 2 on */
export function checkMigrations(where: string, version: number, migrate: Migrations): void {
  for (let step = 2; step <= version; step++) {
    if (!Object.hasOwn(migrate, step)) {
      throw new Error(
        `${where}: migrate has no step ${step}. With version ${version} there is one for each version from 2 to that`,
      );
    }
  }
  for (const [name, run] of Object.entries(migrate)) {
    const step = Number(name);
    if (String(step) !== name || !Number.isInteger(step) || step < 2 || step > version) {
      throw new Error(
        `${where}: migrate has a step "${name}". With version ${version} there is one for each version from 2 to that`,
      );
    }
    if (typeof run !== "function") throw new Error(`${where}: migrate[${name}] has to be a function of the snapshot`);
  }
}
