/** The drop-in validation endpoint in front of the pool: its own process, a worker's, and a real nats-server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { generate } from "@turntable/generation";
import { writePly } from "@turntable/splat";
import { startNatsServer } from "../harness/nats-server.ts";
import { startProcess } from "../harness/process.ts";

const cube = Buffer.from(writePly(generate({ prompt: "a red cube" }).splat));
const flags = ["--http-port", "0"];

test("an existing validator's request is scored by the pool; faults are 5xx", async () => {
  await using nats = await startNatsServer();
  await using endpoint = startProcess("turntable-worker", [
    ...["serve", "--nats", nats.url, "--nats-ack-wait-ms", "8000"],
    ...["--pool-timeout-ms", "60000", ...flags],
  ]);
  const { http } = await endpoint.logged(({ msg }) => msg === "ready");
  const ask = async (route: string, body: object) => {
    const response = await fetch(`http://${http}${route}`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    return { status: response.status, json: JSON.parse(await response.text()) };
  };
  const data = cube.toString("base64");

  // The first worker comes later than the request.
  const waiting = ask("/validate_txt_to_3d_ply/", {
    prompt: "a red cube",
    data,
    generate_grid_preview: true,
    preview_score_threshold: 0.1,
  });
  await using _worker = startProcess("turntable-worker", [
    ...["run", "--nats-servers", nats.url, ...flags],
  ]);
  const { status, json } = await waiting;
  assert.equal(status, 200, JSON.stringify(json));
  assert.ok(json.score >= 0.6, `a red cube scored ${json.score}`);
  assert.equal(Buffer.from(json.grid_preview, "base64").subarray(1, 4).toString(), "PNG");

  const others = await Promise.all([
    ask("/validate_ply/", { prompt: "a blue cube", data }),
    ask("/validate_ply/", { prompt: "a red cube", data: data.slice(0, 40_000) }),
  ]);
  assert.equal(others[0]?.status, 200);
  assert.ok(others[0]?.json.score < 0.6);
  assert.deepEqual([others[1]?.status, others[1]?.json.code], [422, "truncated"]);

  const lost = ask("/validate_ply/", { prompt: "a red cube", data });
  await nats.kill9();
  const fault = await lost;
  assert.deepEqual([fault.status, fault.json.score], [503, undefined]);
  assert.equal(await endpoint.stop(), 0);
});
