/** The plugin under its present name. This project installs it under its former name. */
declare module "@cloudflare/vitest-plugin" {
  export { cloudflareTest } from "@cloudflare/vitest-pool-workers";
}
