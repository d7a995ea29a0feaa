import type { Snapshot } from "../../src/define/types.ts";

/** Restore hooks that wait, and change nothing. */
export const asyncHooks = {
  async onStorageRestore({ snapshot }: { snapshot: Snapshot }): Promise<Snapshot> {
    await new Promise((resolve) => setTimeout(resolve, 0));
    return snapshot;
  },
  async onUserStorageRestore({ userSnapshot }: { userSnapshot: Snapshot }): Promise<Snapshot> {
    await Promise.resolve();
    return userSnapshot;
  },
};
