/** Calls of a page that a wallet signs, in place of an API key: `btauth/1` without Node, the secret where it is. */
import { sha256 } from "@noble/hashes/sha2.js";
import { hexOf } from "./bytes.ts";
import { InvalidOptionError, TurntableError } from "./errors.ts";
import type { SignWebCall } from "./web-transport.ts";

/** Options of `walletSigner` in browsers. */
export interface WebWalletOptions {
  /** Who signs, ss58: an account of the wallet. */
  readonly hotkey: string;
  /** The validator's hotkey, ss58: a signed call is for it alone. */
  readonly validator: string;
  /**
   * Signs a text by sr25519, as it is or between `<Bytes>` and `</Bytes>`, as wallets do; the signature as 64 bytes or in
   * hexadecimal. With the polkadot extension:
   * `async (text) => (await signer.signRaw({ address, data: stringToHex(text), type: "bytes" })).signature`.
   * What it throws ends the call with a WalletError. The validator takes a signature for ten seconds: a person who is asked each time is slow.
   */
  readonly sign: (text: string) => Promise<string | Uint8Array> | string | Uint8Array;
}

/** The wallet signed nothing: its reason is the `cause`, where it gave one. */
export class WalletError extends TurntableError {
  override name = "WalletError";
  readonly code = "wallet";
}

const ss58Form = /^[1-9A-HJ-NP-Za-km-z]{46,48}$/;
const signatureBytes = 64;

/**
 * Signs the calls of `createTurntableClient` (its `signCall`): path, body and time. Each signature passes once.
 * @throws InvalidOptionError for what is no address
 */
export function walletSigner({ hotkey, validator, sign }: WebWalletOptions): SignWebCall {
  for (const [name, address] of Object.entries({ hotkey, validator })) {
    if (!ss58Form.test(address)) {
      throw new InvalidOptionError(`${name} ${JSON.stringify(address)} is no ss58 address`);
    }
  }
  let last = 0n;
  return async ({ path, body }) => {
    const now = BigInt(Date.now()) * 1_000_000n;
    last = now > last ? now : last + 1n;
    const nonce = String(last);
    const hash = hexOf(sha256(body));
    const lines = ["btauth/1", "sr25519", "POST", path, hash, nonce, hotkey, validator];
    const made = await signed(sign, lines.join("\n"));
    const signature = typeof made === "string" ? made.replace(/^0x/, "") : hexOf(made);
    if (!/^[0-9a-f]+$/i.test(signature) || signature.length !== 2 * signatureBytes) {
      throw new WalletError(
        `sign gave no sr25519 signature: it has ${signatureBytes} bytes, or twice as many hexadecimal digits`,
      );
    }
    return {
      "x-bittensor-version": "1",
      "x-bittensor-hotkey": hotkey,
      "x-bittensor-nonce": nonce,
      "x-bittensor-signature": `0x${signature}`,
      "x-bittensor-receiver": validator,
    };
  };
}

async function signed(sign: WebWalletOptions["sign"], text: string): Promise<string | Uint8Array> {
  try {
    return await sign(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new WalletError(`the wallet did not sign: ${reason}`, { cause });
  }
}
