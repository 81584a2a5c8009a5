/** kill -9 of the coordinator between a verdict and what its audits lead to: nothing is lost, nothing happens twice. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connectJobSource } from "@turntable/bus/nats";
import { checkStore, historyOf, openStoreReader } from "@turntable/coordinator/internal";
import { ruleSets } from "@turntable/coordinator/rules";
import { startPoolWorker } from "../harness/audit-pool.ts";
import { mine } from "./mine.ts";
import { startSubnet } from "./subnet.ts";

const flags = ["--audit-share", "1", "--audit-margin", "0", "--audit-findings", "1"];

test("a coordinator that is killed at each step still finds who lies, once", {
  timeout: 300_000,
}, async () => {
  await using subnet = await startSubnet([], flags);
  const start = async (workerId: string, score: number) =>
    startPoolWorker(
      await connectJobSource({ servers: subnet.nats.url, workerId }),
      workerId,
      () => score,
    );
  const ended = () => subnet.coordinator().logged(({ msg }) => msg === "audit ended");
  const killed = async () => {
    await subnet.coordinator().kill9();
    await subnet.restartCoordinator();
  };

  const liar = await start("liar", 0.9);
  const told = [
    await mine(subnet, "a red cube", Buffer.from("one")),
    await mine(subnet, "a blue ball", Buffer.from("two")),
  ];
  assert.deepEqual(
    told.map(({ feedback }) => feedback?.verdict),
    ["accepted", "accepted"],
  );
  await killed(); // both verdicts are told, both audits open

  // What the second worker says goes to a coordinator that is not there.
  await subnet.coordinator().kill9();
  await using w2 = await start("w2", 0.3);
  await subnet.restartCoordinator();
  while (w2.done.length < 2) {
    await new Promise((resolve) => setTimeout(resolve, 50)); // it ends with the test
  }
  await killed(); // two differ, and a third is wanted

  await using _w3 = await start("w3", 0.3);
  await ended();
  await killed(); // the liar is quarantined, and its other score may be done again or not yet
  const metrics = async (): Promise<string> => {
    const { http } = await subnet.coordinator().logged(({ msg }) => msg === "ready");
    return (await fetch(`http://${String(http)}/metrics`)).text();
  };
  while (!/^turntable_open_audits(\{[^}]*\})? 0$/m.test(await metrics())) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.match(await metrics(), /^turntable_quarantined_workers(\{[^}]*\})? 1$/m);
  const { feedback } = await mine(subnet, "a green tree", Buffer.from("three"));
  assert.equal(feedback?.verdict, "rejected", "others score now");

  await subnet.coordinator().stop();
  await liar[Symbol.asyncDispose]();
  const { windowMs } = ruleSets.local;
  const report = await checkStore(subnet.dataDir, { deep: false, windowMs, now: Date.now() });
  assert.deepEqual(
    report.results.filter(({ wrong }) => wrong > 0),
    [],
  );
  using store = openStoreReader(subnet.dataDir);
  assert.deepEqual(
    historyOf(store, subnet.minerKey.ss58, 10)
      .map(({ code }) => code)
      .toSorted(),
    ["accepted", "accepted", "low-score", "score-replaced", "score-replaced"],
    "each score was replaced once",
  );
});
