/** An error that the user can fix. Only its message is shown, and the exit code is 1. */
export class Failure extends Error {
  override readonly name: string = "Failure";
}

/** The command was typed wrong. The exit code is 2. */
export class UsageError extends Failure {
  override readonly name = "UsageError";
}
