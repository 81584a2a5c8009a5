/** A coordinator's weights on a node of the chain in memory, through JSON-RPC: set once by the seed subnet's rules. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalChain, type LocalChain } from "@turntable/bittensor/chain";
import { keypairFromUri } from "@turntable/bittensor/keys";
import { type LocalNode, startLocalNode } from "@turntable/bittensor/local-node";
import { connectSubtensor } from "@turntable/bittensor/subtensor";
import {
  createAttempts,
  openStore,
  startWeights,
  type WeightsEvent,
} from "@turntable/coordinator/internal";
import { ruleSets } from "@turntable/coordinator/rules";

export interface WeighedChain extends AsyncDisposable {
  readonly netuid: number;
  readonly validator: string;
  readonly local: LocalChain;
  readonly node: LocalNode;
  readonly chain: Awaited<ReturnType<typeof connectSubtensor>>;
  readonly attempts: ReturnType<typeof createAttempts>;
  /** What was told of the attempt. */
  readonly event: WeightsEvent;
  /** Resolves once weights of the validator are on the chain. */
  revealed(): Promise<void>;
}

const netuid = 17;
const blockMs = 20;

/**
 * The validator has uid 0, the miners those from 1 on. `ready()` of the keys must have been awaited.
 * @param rewards by the miners' URIs
 */
export async function startWeighedChain(
  rewards: Readonly<Record<string, number>>,
  { commitRevealEnabled }: { readonly commitRevealEnabled: boolean },
): Promise<WeighedChain> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "turntable-weights-"));
  stack.defer(() => rm(directory, { recursive: true }));
  const store = stack.use(openStore(directory));
  const hyperparameters = { commitRevealEnabled, tempo: 100 };
  const local = stack.use(createLocalChain({ blockMs, subnets: [{ netuid, hyperparameters }] }));
  const hotkey = keypairFromUri("//Alice");
  local.register({ netuid, hotkey: hotkey.ss58, stakeTao: 5_000 });
  const rewardsOf = new Map(
    Object.entries(rewards).map(([uri, reward]) => [keypairFromUri(uri).ss58, reward]),
  );
  for (const miner of rewardsOf.keys()) {
    local.register({ netuid, hotkey: miner });
  }
  local.advance(100);
  const node = stack.use(await startLocalNode({ chain: local }));
  const beaconPublicKey = local.beacon.publicKey;
  const chain = stack.use(await connectSubtensor({ endpoints: [node.url], beaconPublicKey }));

  const told = Promise.withResolvers<WeightsEvent>();
  const attempts = createAttempts(store);
  stack.use(
    startWeights({
      ...{ chain, attempts, now: Date.now },
      place: { netuid, hotkey },
      rules: { weights: { ...ruleSets.seed.weights, lookMs: 20 } },
      rewardsOf: () => rewardsOf,
      onEvent: (event) => event.kind !== "age" && told.resolve(event),
      onTrouble: (_, error) => told.reject(error),
    }),
  );
  const event = await told.promise;
  const owned = stack.move();
  return {
    ...{ netuid, validator: hotkey.ss58, local, node, chain, attempts, event },
    async revealed() {
      for await (const _ of local.blocks()) {
        if (local.weightsOf(netuid, 0).size > 0) {
          return;
        }
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
