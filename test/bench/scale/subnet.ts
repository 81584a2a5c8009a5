/** nats-server and the coordinator's own program, on a node of a chain on which as many miners as wanted are registered. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalChain } from "@turntable/bittensor/chain";
import { type Keypair, keypairFromUri, ready } from "@turntable/bittensor/keys";
import { startLocalNode } from "@turntable/bittensor/local-node";
import { openRaw } from "@turntable/bittensor/test";
import { createSplat, writePly } from "@turntable/splat";
import { freePort } from "../../harness/free-port.ts";
import { type NatsServer, startNatsServer } from "../../harness/nats-server.ts";
import { type RunningProcess, startProcess } from "../../harness/process.ts";
import { loopbackOf, pullOver, submitOver } from "../mine.ts";

const netuid = 17;
const validatorUri = "//Alice";
/** Whoever has its verdict may pull at once, and what waits for a worker waits as long as it takes. */
const rules = { cooldownMs: 0, taskTimeoutMs: 3_600_000, leaseMs: 3_600_000, idleMs: 0 };

export interface Subnet extends AsyncDisposable {
  readonly nats: NatsServer;
  readonly coordinator: RunningProcess;
  readonly dataDir: string;
  /** What waits and is in work in each consumer of jobs, as KEDA asks for it. */
  lags(): Promise<ReadonlyMap<string, number>>;
  /** Pulls a task and hands in an asset: ends with the verdict. */
  mine(miner: number, asset: Buffer): Promise<Mined>;
}

export interface Mined {
  readonly pullMs: number;
  /** From the submission to the verdict; undefined when nothing was submitted. */
  readonly verdictMs: number | undefined;
  /** The verdict, or what was answered instead. */
  readonly outcome: string;
}

/** @param folder in which the coordinator and NATS keep their data */
export async function startSubnet({
  miners,
  folder = tmpdir(),
}: {
  readonly miners: number;
  readonly folder?: string;
}): Promise<Subnet> {
  await ready();
  await using stack = new AsyncDisposableStack();
  const directory = mkdtempSync(join(folder, "turntable-scale-"));
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  const monitorPort = await freePort();
  const nats = stack.use(
    await startNatsServer({
      storeDir: join(directory, "nats"),
      extraConfig: `http: "127.0.0.1:${monitorPort}"`,
    }),
  );
  const validator = keypairFromUri(validatorUri);
  const hyperparameters = { maxUids: miners + 1 };
  const chain = stack.use(
    createLocalChain({ blockMs: 12_000, subnets: [{ netuid, hyperparameters }] }),
  );
  const keys = Array.from({ length: miners }, (_, n) => keypairFromUri(`//Miner${n}`));
  for (const { ss58 } of [validator, ...keys]) {
    chain.register({ netuid, hotkey: ss58 });
  }
  const node = stack.use(await startLocalNode({ chain }));
  const dataDir = join(directory, "coordinator");
  const rulesFile = join(directory, "rules.json");
  writeFileSync(rulesFile, JSON.stringify(rules));
  const coordinator = stack.use(
    startProcess("turntable-coordinator", [
      ...["--hotkey-uri", validatorUri, "--chain-endpoints", node.url, "--data-dir", dataDir],
      ...["--rules-file", rulesFile, "--nats-servers", nats.url],
      // Each submission is one job.
      ...["--audit-share", "0", "--audit-margin", "0"],
      ...["--axon-host", "127.0.0.1", "--axon-port", "0", "--http-port", "0"],
    ]),
  );
  const { axon } = await coordinator.logged(({ msg }) => msg === "ready");
  const port = Number(String(axon).split(":").at(-1));
  const running = stack.move();
  return {
    ...{ nats, coordinator, dataDir },
    lags: () => lagsAt(monitorPort),
    async mine(miner, asset) {
      const caller = keys[miner % miners] as Keypair; // within the list
      const calling = { caller, axonHotkey: validator.ss58 };
      await using connection = await openRaw(port, loopbackOf(miner % miners));
      const { ms: pullMs, task, wrong } = await pullOver(connection, calling);
      if (task === undefined) {
        return { pullMs, verdictMs: undefined, outcome: `PullTask: ${wrong}` };
      }
      const submitted = await submitOver(connection, { ...calling, task, asset });
      return {
        pullMs,
        verdictMs: submitted.ms,
        outcome: submitted.verdict ?? `SubmitResults: ${submitted.wrong}`,
      };
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** So many splats anywhere in a box of any form: no two of them are taken for one object. */
export function randomAsset(splats: number): Buffer {
  const splat = createSplat(splats, 0);
  const box = [Math.random() + 0.2, Math.random() + 0.2, Math.random() + 0.2];
  for (let i = 0; i < splat.positions.length; i++) {
    splat.positions[i] = (Math.random() - 0.5) * (box[i % 3] ?? 1);
    splat.scales[i] = -4 - Math.random();
    splat.shDc[i] = Math.random() - 0.5;
  }
  splat.rotations.fill(0.5);
  splat.opacities.fill(2);
  return Buffer.from(writePly(splat));
}

/** Of `/jsz`, what KEDA's scaler reads. */
interface JetStreamStatus {
  readonly account_details?: readonly {
    readonly stream_detail?: readonly {
      readonly name: string;
      readonly consumer_detail?: readonly {
        readonly name: string;
        readonly num_pending: number;
        readonly num_ack_pending: number;
      }[];
    }[];
  }[];
}

async function lagsAt(monitorPort: number): Promise<ReadonlyMap<string, number>> {
  const url = `http://127.0.0.1:${monitorPort}/jsz?acc=$G&consumers=true&config=true`;
  const status = (await (await fetch(url)).json()) as JetStreamStatus;
  const streams = status.account_details?.flatMap((account) => account.stream_detail ?? []);
  const jobs = streams?.find(({ name }) => name === "JOBS")?.consumer_detail ?? [];
  return new Map(
    jobs.map(({ name, num_pending, num_ack_pending }) => [name, num_pending + num_ack_pending]),
  );
}
