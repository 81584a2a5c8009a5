/** Subnet 21, where validators of 2024 kept accepted assets: StoreUser to its validators, an answer with a content id. */
import type { Chain, Neuron } from "@turntable/bittensor/chain";
import { createDendrite } from "@turntable/bittensor/dendrite";
import type { Keypair } from "@turntable/bittensor/keys";
import { storeUser } from "@turntable/bittensor/synapse";
import { StorageAwayError, type StorageTarget, type StoredItem } from "./target.ts";

export interface Subnet21Options {
  readonly chain: Pick<Chain, "metagraph">;
  readonly netuid: number;
  readonly hotkey: Keypair;
  /** For how long it is asked to keep assets, in seconds. */
  readonly ttlS: number;
  /** ms since 1970 UTC */
  readonly now: () => number;
}

/** The name of the target. */
export const subnet21Name = "subnet21";
/** Twice in base64, and hashed before it is sent: what takes no longer than a few hundredths of a second. */
export const subnet21MaxBytes = 8 * 1024 * 1024;
/** Who is there is looked up this often, in ms. */
const refreshMs = 600_000;
/** The dendrite's own time for a call is longer than that of any try, whose signal ends it. */
const callMs = 600_000;

export function createSubnet21(options: Subnet21Options): StorageTarget {
  const { chain, netuid, hotkey, ttlS, now } = options;
  const dendrite = createDendrite({ hotkey });
  let known: { readonly neurons: readonly Neuron[]; readonly at: number } | undefined;

  const neuronsNow = async (signal: AbortSignal): Promise<readonly Neuron[]> => {
    if (known === undefined || now() - known.at >= refreshMs) {
      const { neurons } = await chain.metagraph(netuid, signal).catch((cause: unknown) => {
        throw new StorageAwayError(
          `the chain says nothing of subnet ${netuid}: ${cause instanceof Error ? cause.message : cause}`,
          { cause },
        );
      });
      known = { neurons, at: now() };
    }
    return known.neurons;
  };

  return {
    name: subnet21Name,
    keepsMs: ttlS * 1_000,
    async store(item, tries, signal) {
      const places = placesOf(await neuronsNow(signal), hotkey.ss58);
      // Each try asks another validator.
      const place = places[tries % places.length];
      if (place === undefined) {
        throw new StorageAwayError(`no validator of subnet ${netuid} serves an axon`);
      }
      const outcome = await dendrite.call(storeUser, {
        target: place,
        body: { encrypted_data: payloadOf(item), encryption_payload: "{}", ttl: ttlS },
        timeoutMs: callMs,
        signal,
      });
      if (outcome.kind === "ok" && outcome.fields.data_hash) {
        return outcome.fields.data_hash;
      }
      known = undefined; // who serves may have moved
      if (outcome.kind === "ok") {
        throw new Error(`${place.hotkey} named no content id`);
      }
      const said =
        `${place.hotkey}: ${outcome.status ?? "no status"} ${outcome.message ?? ""}`.trim();
      throw outcome.answered || places.length > 1 ? new Error(said) : new StorageAwayError(said);
    },
    [Symbol.asyncDispose]: () => dendrite[Symbol.asyncDispose](),
  };
}

/** Validators that serve, those with the highest stake first. */
function placesOf(neurons: readonly Neuron[], own: string) {
  return neurons
    .filter(({ validatorPermit, hotkey }) => validatorPermit && hotkey !== own)
    .toSorted((a, b) => b.stakeTao - a.stakeTao)
    .flatMap(({ axon, hotkey }) =>
      axon === undefined ? [] : [{ ip: axon.ip, port: axon.port, hotkey }],
    );
}

/** As the validators of 2024 send it: base64 of JSON, in the open. */
function payloadOf({ submission, prompt, miner, bytes }: StoredItem): string {
  const assets = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
  const signature = Buffer.from(submission.signature).toString("base64");
  const { validator } = submission;
  // The time by hand: its nanoseconds are a larger number than JavaScript's can be exactly.
  const text = [
    `{"assets":${JSON.stringify(assets)}`,
    `"miner":${JSON.stringify(miner)}`,
    `"validator":${JSON.stringify(validator)}`,
    `"prompt":${JSON.stringify(prompt)}`,
    `"submit_time":${submission.submitTime}`,
    `"signature":${JSON.stringify(signature)}}`,
  ].join(",");
  return Buffer.from(text).toString("base64");
}
