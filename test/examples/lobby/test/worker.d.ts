declare namespace Cloudflare {
  /** Which Worker `exports` of "cloudflare:workers" is of. */
  interface GlobalProps {
    mainModule: typeof import("../src/worker");
  }
}
