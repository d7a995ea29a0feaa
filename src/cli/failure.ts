/** What the user can do something about. Its message is all that they are shown; the exit code is 1. */
export class Failure extends Error {
  override readonly name: string = "Failure";
}

/** The command cannot be meant as it was typed; the exit code is 2. */
export class UsageError extends Failure {
  override readonly name = "UsageError";
}
