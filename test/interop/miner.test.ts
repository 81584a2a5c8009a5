/** Our miner at the axons of the real Python SDKs, with the messages of both protocol years. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { isJsonObject } from "@turntable/bittensor/synapse";
import { startGenerationEndpoint } from "@turntable/generation";
import { startMiner } from "@turntable/miner";
import { createLogger } from "@turntable/process";
import { axonSdkVersions, ensureEnvironment } from "./environments.ts";
import { startPeer } from "./peer.ts";

await ready();

const task = { id: "2f6b0c0e-7f6d-4a0b-9d33-0c7a3c0a6c11", prompt: "a red cube" };
const judged = {
  task_fidelity_score: 0.75,
  average_fidelity_score: 0.9,
  current_miner_reward: 6.3,
};
const generations = {
  2024: { task, feedback: { ...judged, generations_within_8_hours: 7 } },
  2025: {
    task: { type: "text", ...task },
    feedback: { ...judged, generations_within_the_window: 7, current_duel_rating: 0 },
  },
};

for (const version of axonSdkVersions) {
  const environment = await ensureEnvironment(version);
  const skip =
    environment.kind === "missing" ? `bittensor ${version}: ${environment.reason}` : false;

  for (const [year, { task: lent, feedback }] of Object.entries(generations)) {
    it(`mines for a validator of ${year} on bittensor ${version}`, { skip }, async () => {
      assert.ok(environment.kind === "ready");
      await using peer = await startPeer(environment);
      const axon = await peer.ask({
        ...{ op: "serve", uri: "//Bob", generation: year },
        replies: {
          PullTask: { task: lent },
          SubmitResults: { results: "", feedback, cooldown_until: 9_000_000_000 },
        },
      });
      assert.ok(isJsonObject(axon));
      await using endpoint = await startGenerationEndpoint({ host: "127.0.0.1", port: 0 });
      const ended = Promise.withResolvers<Readonly<Record<string, unknown>>>();
      const logger = createLogger("miner", "info", {
        write(text) {
          const line: Readonly<Record<string, unknown>> = JSON.parse(text);
          if (line.msg === "task done") {
            ended.resolve(line);
          }
        },
      });
      const target = { ip: "127.0.0.1", port: Number(axon.port), hotkey: String(axon.hotkey) };
      await using _miner = await startMiner({
        ...{ hotkey: keypairFromUri("//Alice"), logger },
        validators: async () => [target],
        endpoints: [{ url: endpoint.url }],
        ...(year === "2025" ? { consentText: "I am a stand-in for the consent text. " } : {}),
      });
      const { task_id, outcome, fidelity, average, reward, sends } = await ended.promise;
      assert.deepEqual(
        [task_id, outcome, fidelity, average, reward, sends],
        [task.id, "accepted", 0.75, 0.9, 6.3, 1],
      );
    });
  }
}
