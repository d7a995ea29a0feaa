import { isContainer } from "../protocol/values.ts";
import { SPECTATOR } from "../state/viewer.ts";
import type { TestClient } from "./client.ts";
import { expectedView, UNREADABLE, withoutEmpty } from "./expected-view.ts";
import type { RoomUnderTest } from "./object-under-test.ts";
import { findSilentChange } from "../state/silent-changes.ts";

/**
 * Checks that each client of a room sees exactly the state that it may see.
 * @throws Error that names the client, and what it sees instead
 */
export async function expectConverged(object: RoomUnderTest, clients: ReadonlySet<TestClient>): Promise<void> {
  // Delayed changes are sent now. They have arrived when the mark has.
  const { problem, turn } = await object.run((instance) => {
    const { tree, handle } = instance.core;
    if (tree.isDirty && handle.autoSync) handle.applySync();
    return { problem: findSilentChange(tree), turn: instance.mark() };
  });
  if (problem !== undefined) throw new Error(problem);
  for (const client of clients) await client.reached(turn);
  for (const client of clients) {
    if (client.hasLeft) continue;
    const expected = await object.run(({ core }) => {
      const { publicId } = client;
      const user = core.tree.users?.get(publicId);
      // The client's own claims, since another tab of the same user may have others.
      const viewer = client.isSpectator ? SPECTATOR : { publicId, auth: client.auth, user };
      const conn = core.handle.connections.find((one) => one.publicId === publicId);
      if (conn) core.tree.recognise(viewer, conn);
      return expectedView(core.state, viewer);
    });
    const seen = withoutEmpty(client.state);
    const path = firstDifference(expected, seen, []);
    if (path === undefined) continue;
    throw new Error(
      `The client ${client.publicId} differs at ${path.join(".") || "the root"}: it sees ${JSON.stringify(at(seen, path))}, not ${JSON.stringify(at(expected, path))}`,
    );
  }
}

function firstDifference(expected: unknown, seen: unknown, path: readonly string[]): readonly string[] | undefined {
  if (Object.is(expected, seen) || expected === UNREADABLE) return undefined;
  if (!isContainer(expected) || !isContainer(seen)) return path;
  for (const key of new Set([...Object.keys(expected), ...Object.keys(seen)])) {
    const found = firstDifference((expected as never)[key], (seen as never)[key], [...path, key]);
    if (found) return found;
  }
  return undefined;
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], value);
}
