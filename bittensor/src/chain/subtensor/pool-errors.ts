/** What a node says before it even takes a transaction, in words. */

export interface PoolError {
  /** The chain's name for it where there is one, e.g. SettingWeightsTooFast. */
  readonly name: string;
  readonly message: string;
  /** It may well pass if signed anew a block later. */
  readonly isPassing: boolean;
}

/** Numbers of the chain's own transaction extension (spec 425; older ones know fewer). */
const customErrors: Readonly<Record<number, readonly [name: string, message: string]>> = {
  1: ["NotEnoughStakeToSetWeights", "the hotkey's stake is below what the chain asks for"],
  2: ["BalanceTooLow", "the account's balance is too low"],
  3: ["SubnetNotExists", "there is no such subnet"],
  4: ["HotKeyAccountNotExists", "the chain does not know the hotkey"],
  6: ["RateLimitExceeded", "weights were set or committed too recently: wait for the rate limit"],
  10: ["HotKeyNotRegisteredInNetwork", "the hotkey is registered on no subnet: register it first"],
  11: ["InvalidIpAddress", "the chain refuses this address for an axon"],
  12: ["ServingRateLimitExceeded", "an axon was announced too recently: wait for the rate limit"],
  13: ["InvalidPort", "port 0 can't be served"],
  15: ["InvalidRevealRound", "the reveal round has passed: commit again"],
  16: ["CommitNotFound", "there is no such commit"],
  17: ["CommitBlockNotInRevealRange", "the commit can't be revealed in this block"],
  18: ["InputLengthsUnequal", "as many uids as weights are needed"],
  19: [
    "HotKeyNotRegisteredInSubNet",
    "the hotkey is not registered on this subnet: register it first",
  ],
  255: ["BadRequest", "the chain refuses the request without saying why"],
};

/** Substrate's own codes. */
const poolErrors: Readonly<Record<number, readonly [name: string, message: string]>> = {
  1011: ["UnknownTransaction", "the node can't tell whether the transaction is valid"],
  1012: ["TemporarilyBanned", "the node has seen this transaction fail just now"],
  1013: ["AlreadyImported", "the transaction is in the node's pool already"],
  1014: ["PriorityTooLow", "a transaction with this nonce waits in the node's pool already"],
};

/** undefined when the error did not come from a node's pool. */
export function explainPoolError(error: unknown): PoolError | undefined {
  const { code, data, message } = parts(error);
  if (code === undefined) {
    return undefined;
  }
  const known = poolErrors[code];
  if (known !== undefined) {
    return { name: known[0], message: known[1], isPassing: true };
  }
  if (code !== 1010) {
    return undefined;
  }
  const custom = /Custom error: (\d+)/.exec(`${data} ${message}`)?.[1];
  const named = custom === undefined ? undefined : customErrors[Number(custom)];
  if (named !== undefined) {
    return { name: named[0], message: named[1], isPassing: false };
  }
  return {
    name: custom === undefined ? "InvalidTransaction" : `CustomError${custom}`,
    message: `the node refuses the transaction: ${data === "" ? message : data}`,
    // A signature made just before a runtime upgrade, or long ago, is bad after it
    isPassing: /outdated|stale|ancient birth block|bad (proof|signature)/i.test(
      `${data} ${message}`,
    ),
  };
}

/** polkadot-js keeps code and data of JSON-RPC errors, or writes the code before the message. */
function parts(error: unknown): { code: number | undefined; data: string; message: string } {
  if (!(error instanceof Error)) {
    return { code: undefined, data: "", message: String(error) };
  }
  const written = /^(\d{4}): /.exec(error.message)?.[1];
  const code =
    "code" in error && typeof error.code === "number" ? error.code : Number(written ?? Number.NaN);
  const data = "data" in error && typeof error.data === "string" ? error.data : "";
  return { code: Number.isNaN(code) ? undefined : code, data, message: error.message };
}
