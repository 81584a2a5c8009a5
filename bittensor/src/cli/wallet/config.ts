import type { Environment } from "../../keys/index.ts";

/** What the command is configured by, beside its flags: BT_WALLET_*, and the wallets' own variables for passwords. */
export function readEnvironment(): Environment {
  return process.env;
}
