/** Signing a call with a hotkey, and following it into a block. */
import type { ApiPromise } from "@polkadot/api";
import type { SubmittableExtrinsic } from "@polkadot/api/types";
import type { DispatchError } from "@polkadot/types/interfaces";
import type { ISubmittableResult } from "@polkadot/types/types";
import type { Keypair } from "../../keys/index.ts";
import { explainError } from "../errors.ts";
import type { ChainOutcome } from "../types.ts";
import { explainPoolError } from "./pool-errors.ts";

export type Call = SubmittableExtrinsic<"promise", ISubmittableResult>;

export interface SubmitOptions {
  /** ms until inclusion; several blocks. */
  readonly timeoutMs: number;
  /** Blocks that the signature is valid for. */
  readonly eraBlocks: number;
  readonly signal?: AbortSignal;
}

/** Also "passing": a refusal that may be gone when signed anew. */
export type SubmitOutcome = ChainOutcome | { readonly kind: "passing"; readonly message: string };

/** Never throws for what the node or the chain says. @throws the signal's reason */
export async function submitOnce(
  api: ApiPromise,
  call: Call,
  hotkey: Keypair,
  options: SubmitOptions,
): Promise<SubmitOutcome> {
  options.signal?.throwIfAborted();
  try {
    // -1 takes the node's next index, with what waits in its pool
    await call.signAsync(signerOf(hotkey), { nonce: -1, era: options.eraBlocks });
  } catch (error) {
    return { kind: "passing", message: `the call could not be signed: ${textOf(error)}` };
  }
  return follow(api, call, options);
}

function follow(api: ApiPromise, call: Call, options: SubmitOptions): Promise<SubmitOutcome> {
  const { promise, resolve, reject } = Promise.withResolvers<SubmitOutcome>();
  let unsubscribe: (() => void) | undefined;
  const lost = (): void =>
    resolve({
      kind: "unknown",
      message: "the connection broke before the call was seen in a block; it may be in one",
    });
  const late = setTimeout(
    () =>
      resolve({
        kind: "unknown",
        message: `no block took the call within ${options.timeoutMs / 1000} seconds`,
      }),
    options.timeoutMs,
  );
  const aborted = (): void => reject(options.signal?.reason);
  options.signal?.addEventListener("abort", aborted, { once: true });
  api.on("disconnected", lost);
  call
    .send((result) => {
      const outcome = outcomeOf(api, result);
      if (outcome !== undefined) {
        resolve(outcome);
      }
    })
    .then(
      (stop) => {
        unsubscribe = stop;
      },
      (error: unknown) => resolve(sendFailure(error)),
    );
  return promise.finally(() => {
    clearTimeout(late);
    options.signal?.removeEventListener("abort", aborted);
    api.off("disconnected", lost);
    unsubscribe?.();
  });
}

function outcomeOf(api: ApiPromise, result: ISubmittableResult): SubmitOutcome | undefined {
  const { status, dispatchError } = result;
  if (status.isInBlock || status.isFinalized) {
    if (dispatchError !== undefined) {
      return { kind: "refused", ...nameDispatchError(api, dispatchError) };
    }
    const block = "blockNumber" in result ? Number(result.blockNumber ?? 0) : 0;
    return { kind: "included", block, revealRound: undefined };
  }
  if (status.isInvalid || status.isDropped || status.isUsurped) {
    return { kind: "passing", message: `the node's pool says ${status.type}` };
  }
  return undefined;
}

/** Names come from the metadata: their numbers move from runtime to runtime. */
function nameDispatchError(
  api: ApiPromise,
  error: DispatchError,
): { readonly name: string; readonly message: string } {
  if (!error.isModule) {
    return { name: error.type, message: `the chain failed the call: ${error.type}` };
  }
  const { name, docs } = api.registry.findMetaError(error.asModule);
  const known = explainError(name);
  return { name, message: known.endsWith(name) ? `${known}: ${docs.join(" ")}` : known };
}

function sendFailure(error: unknown): SubmitOutcome {
  const explained = explainPoolError(error);
  if (explained === undefined) {
    return { kind: "unknown", message: `the call was sent and no answer came: ${textOf(error)}` };
  }
  const { name, message, isPassing } = explained;
  // Sent again under another nonce it would happen twice
  if (name === "AlreadyImported") {
    return { kind: "unknown", message };
  }
  return isPassing
    ? { kind: "passing", message: `${name}: ${message}` }
    : { kind: "refused", name, message };
}

/** sr25519 in the chain's MultiSignature. */
const sr25519Type = 1;

function signerOf(hotkey: Keypair) {
  return {
    address: hotkey.ss58,
    addressRaw: hotkey.publicKey,
    publicKey: hotkey.publicKey,
    sign(
      message: string | Uint8Array,
      { withType = false }: { withType?: boolean } = {},
    ): Uint8Array {
      const bytes =
        typeof message === "string" ? Buffer.from(message.replace(/^0x/, ""), "hex") : message;
      const signature = hotkey.sign(bytes);
      return withType ? Uint8Array.of(sr25519Type, ...signature) : signature;
    },
  };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
