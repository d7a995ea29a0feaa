import { PRIVATE_PREFIX } from "../room/storage/keys.ts";

const KEY = `${PRIVATE_PREFIX}name`;

/** The parts of an object's state that know its name. */
interface Named {
  readonly id: { readonly name?: string };
  readonly storage: { readonly kv: { get<T>(key: string): T | undefined; put<T>(key: string, value: T): void } };
}

/** The name of an object. Empty if it is not known. */
export function nameOf({ id, storage }: Named): string {
  return id.name ?? storage.kv.get<string>(KEY) ?? "";
}

/**
 * Stores the name for an alarm, since an alarm may wake the object without its name after a restart of the process.
 * https://github.com/cloudflare/partykit/pull/391
 * @returns how many rows were written
 */
export function rememberName({ id, storage }: Named): number {
  if (id.name === undefined || storage.kv.get(KEY) !== undefined) return 0;
  storage.kv.put(KEY, id.name);
  return 1;
}
