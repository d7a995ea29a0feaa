/** The Worker's environment, as far as routes of the service need it. */
export interface AppEnv {
  Bindings: Cloudflare.Env;
}
