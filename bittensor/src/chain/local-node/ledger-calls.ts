/** Calls of the runtime turned into those of the ledger, and what happened turned into the runtime's events. */
import { blake2AsU8a } from "@polkadot/util-crypto";
import type { LocalChain } from "../index.ts";
import type { SignedCall } from "./extrinsic.ts";
import { raoPerTao } from "./records.ts";
import { encode, type Runtime, variantsOf } from "./scale.ts";

export function applyToLedger(
  chain: LocalChain,
  { signer, call, args }: SignedCall,
  lastDrandRound: bigint,
) {
  const number = (name: string): number => Number(args[name]?.toString() ?? 0);
  const numbers = (name: string): readonly number[] => {
    const list = args[name]?.toJSON();
    return Array.isArray(list) ? list.map(Number) : [];
  };
  const integer = (name: string): bigint => BigInt(args[name]?.toString() ?? 0);
  const textOf = (name: string): string => args[name]?.toString() ?? "";
  const netuid = number("netuid");
  switch (call) {
    case "set_weights":
    case "set_mechanism_weights":
      return chain.ledger.setWeights(signer, {
        netuid,
        mechanism: number("mecid"),
        uids: numbers("dests"),
        values: numbers("weights"),
        versionKey: integer("version_key"),
      });
    case "serve_axon":
      return chain.ledger.serveAxon(signer, {
        netuid,
        version: number("version"),
        ip: integer("ip"),
        port: number("port"),
        ipType: number("ip_type"),
        protocol: number("protocol"),
      });
    case "commit_timelocked_weights":
    case "commit_timelocked_mechanism_weights":
      return chain.commitWeights(
        signer,
        {
          netuid,
          mechanism: number("mecid"),
          commit: args.commit?.toU8a(true) ?? new Uint8Array(),
          revealRound: integer("reveal_round"),
          version: number("commit_reveal_version"),
        },
        lastDrandRound,
      );
    // Anybody may, and for nothing: there is no money here
    case "burned_register": {
      if (!chain.ledger.subnets.has(netuid)) {
        return { kind: "refused", error: "SubnetNotExists" } as const;
      }
      chain.register({ netuid, hotkey: textOf("hotkey"), coldkey: signer });
      return { kind: "done" } as const;
    }
    case "add_stake": {
      const hotkey = textOf("hotkey");
      const added = Number(integer("amount_staked")) / raoPerTao;
      chain.setStake(hotkey, chain.ledger.stakeTaoOf(hotkey) + added);
      return { kind: "done" } as const;
    }
    default:
      return { kind: "refused", error: "CallFiltered" } as const;
  }
}

export function moduleEvents(
  runtime: Runtime,
  chain: LocalChain,
  { call, signer, args }: SignedCall,
): readonly Uint8Array[] {
  const netuid = Number(args.netuid?.toString() ?? 0);
  const uid =
    chain.ledger.subnets.get(netuid)?.neurons.findIndex(({ hotkey }) => hotkey === signer) ?? 0;
  if (call === "serve_axon") {
    return event(runtime, "SubtensorModule", "AxonServed", [netuid, signer]);
  }
  if (call.startsWith("set_")) {
    return event(runtime, "SubtensorModule", "WeightsSet", [netuid, uid]);
  }
  if (!call.startsWith("commit_")) {
    return [];
  }
  const commit = args.commit?.toU8a(true) ?? new Uint8Array();
  return event(runtime, "SubtensorModule", "TimelockedWeightsCommitted", [
    signer,
    netuid,
    blake2AsU8a(commit, 256),
    BigInt(args.reveal_round?.toString() ?? 0),
  ]);
}

/** How the extrinsic went. */
export function outcomeEvent(runtime: Runtime, error: string | undefined): Uint8Array {
  if (error === undefined) {
    return event(runtime, "System", "ExtrinsicSuccess", {})[0] ?? new Uint8Array();
  }
  const pallet = runtime.pallets.get("SubtensorModule");
  const index = variantsOf(runtime, pallet?.errors).find(({ name }) => name === error)?.index ?? 0;
  const dispatchError = { Module: [{ index: pallet?.index ?? 7, error: [index, 0, 0, 0] }] };
  return (
    event(runtime, "System", "ExtrinsicFailed", { dispatch_error: dispatchError })[0] ??
    new Uint8Array()
  );
}

/** None where the runtime has no such event. */
function event(
  runtime: Runtime,
  palletName: string,
  name: string,
  fields: readonly unknown[] | Readonly<Record<string, unknown>>,
): readonly Uint8Array[] {
  const pallet = runtime.pallets.get(palletName);
  if (pallet?.events === undefined) {
    return [];
  }
  const known = variantsOf(runtime, pallet.events).some((variant) => variant.name === name);
  if (!known) {
    return [];
  }
  const body = encode(runtime, pallet.events, { [name]: fields });
  return [Buffer.concat([Uint8Array.of(pallet.index), body])];
}
