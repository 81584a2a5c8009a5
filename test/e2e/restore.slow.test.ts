/** A coordinator under load is backed up and killed; another one goes on from the backup. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { checkStore } from "@turntable/coordinator/internal";
import { ruleSets } from "@turntable/coordinator/rules";
import { ask, mine, noPromises, type Promises, work } from "../crash/actors.ts";
import { startNatsServer } from "../harness/nats-server.ts";
import { startProcess } from "../harness/process.ts";

const run = promisify(execFile);
const command = new URL("../../node_modules/.bin/turntable-coordinator", import.meta.url).pathname;

/** Waits until as many more submissions were judged, and that was told. */
async function untilTold({ told }: Promises, count: number): Promise<void> {
  const judged = () => told.filter(({ verdict }) => verdict !== "cancelled").length;
  const enough = judged() + count;
  while (judged() < enough) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("a backup taken under load is whole, and after kill -9 the coordinator goes on from it", async () => {
  await ready();
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "turntable-restore-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const nats = stack.use(await startNatsServer());
  const validator = keypairFromUri("//Alice");
  const keys = Array.from({ length: 6 }, (_, n) => keypairFromUri(`//Restore${n}`));
  const dataDir = join(directory, "data");
  const backup = join(directory, "backup");
  const start = async () => {
    const coordinator = stack.use(
      startProcess("turntable-coordinator", [
        ...["--hotkey-uri", "//Alice", "--rules", "local", "--data-dir", dataDir],
        "--api-enabled",
        ...keys.flatMap(({ ss58 }) => ["--chain-register", ss58]),
        ...["--nats-servers", nats.url, "--http-port", "0", "--grpc-port", "0", "--axon-port", "0"],
      ]),
    );
    const line = await coordinator.logged(({ msg }) => msg === "ready");
    const portOf = (address: unknown): number => Number(String(address).split(":").at(-1));
    const target = { ip: "127.0.0.1", port: portOf(line.axon), hotkey: validator.ss58 };
    return { coordinator, target, address: `127.0.0.1:${portOf(line.grpc)}` };
  };
  const load = ({ target, address }: Awaited<ReturnType<typeof start>>) => {
    const promises = noPromises();
    const stop = new AbortController();
    const acting = Promise.all([
      work([nats.url], promises, stop.signal),
      ...Array.from({ length: 2 }, () => ask(address, promises, stop.signal)),
      ...keys.map((key) => mine(key, { target, validator }, promises, stop.signal, stop.signal)),
    ]);
    return {
      promises,
      async stop() {
        stop.abort();
        await acting;
      },
    };
  };
  const check = (folder: string) =>
    checkStore(folder, { deep: true, windowMs: ruleSets.local.windowMs, now: Date.now() });
  const wrong = ({ results }: Awaited<ReturnType<typeof check>>) =>
    results.flatMap(({ faults }) => faults);

  const first = await start();
  const loaded = load(first);
  await untilTold(loaded.promises, 4);
  const { stdout } = await run(command, ["db", "backup", backup, "--data-dir", dataDir]);
  assert.match(stdout, /MiB of database and \d+ assets \(linked/);
  assert.deepEqual(wrong(await check(dataDir)), [], "it runs on meanwhile");
  await untilTold(loaded.promises, 1);
  await first.coordinator.kill9();
  await loaded.stop();
  assert.deepEqual(wrong(await check(dataDir)), [], "what was killed is whole as well");

  await rm(dataDir, { recursive: true });
  await cp(backup, dataDir, { recursive: true });
  const restored = await check(dataDir);
  assert.deepEqual(wrong(restored), []);
  const seen = ({ results }: typeof restored, name: string): number =>
    results.find((result) => result.name === name)?.seen ?? 0;
  assert.ok(seen(restored, "submissions") >= 4, "what was told before the backup is in it");
  const second = await start();
  const again = load(second);
  await untilTold(again.promises, 4);
  await again.stop();
  await second.coordinator.stop();
  const after = JSON.parse(
    (
      await run(command, [
        "db",
        "check",
        "--deep",
        "--json",
        "--rules",
        "local",
        "--data-dir",
        dataDir,
      ])
    ).stdout,
  );
  assert.equal(after.ok, true);
  assert.ok(seen(after, "submissions") >= seen(restored, "submissions") + 4);
  assert.ok(seen(after, "averages") > 0);
});
