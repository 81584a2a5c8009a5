/** grpcurl, which knows our services by reflection alone. */
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { openApi } from "../../test/api.ts";

const program = process.env.TURNTABLE_GRPCURL ?? "grpcurl";
const skip =
  spawnSync(program, ["-version"]).status === 0
    ? false
    : "there is no grpcurl on PATH or in TURNTABLE_GRPCURL: go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3";

test("grpcurl makes a task and fetches its asset, without a file of ours", { skip }, async () => {
  await using opened = await openApi({ keyFile: "ann 0123456789abcdef" });
  const call = async (method: string, request: object): Promise<string> => {
    const { stdout } = await promisify(execFile)(program, [
      ...["-plaintext", "-H", "authorization: Bearer 0123456789abcdef"],
      ...["-d", JSON.stringify(request), `127.0.0.1:${opened.api.port}`],
      `turntable.v1.GenerationService/${method}`,
    ]);
    return stdout;
  };
  const { task } = JSON.parse(await call("CreateTask", { prompt: "a cup" }));
  assert.deepEqual([task.prompt, task.state], ["a cup", "TASK_STATE_QUEUED"]);
  await opened.score(task.id, "A", 0.9, Buffer.from("the asset"));
  opened.subnet.tasks.tick(100_000, () => new Set());
  const answer = await call("DownloadAsset", { task_id: task.id });
  assert.match(answer, new RegExp(`"chunk": "${Buffer.from("the asset").toString("base64")}"`));
  await assert.rejects(call("GetTask", { task_id: "x" }), /NotFound[\s\S]*google\.rpc\.ErrorInfo/);
});
