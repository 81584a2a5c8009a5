/** One copy of a task: how it was scored, and its asset. */
import { createDownloads } from "../downloads.ts";
import { failedPrecondition, notFound } from "../errors.ts";
import { assetMessage } from "../messages.ts";
import { maxIdChars, type Rpc, type SubnetOptions } from "./service.ts";
import type { Visible, VisibleCopy } from "./visible.ts";

/** How a copy was scored. */
export function getPublicReport(options: SubnetOptions, visible: Visible): Rpc<"getPublicReport"> {
  return async ({ copyId }) => {
    const copy = find(visible, copyId);
    const report = visible.report(copy);
    if (report === undefined) {
      throw notFound(`copy ${copyId} was not scored`);
    }
    const { isPublished: published } = copy.task;
    return { report, published, signatureValid: published && options.verifyReport(report) };
  };
}

/** A copy's asset: first what it is, then its bytes in chunks, from an offset on. */
export function downloadSubmission(
  options: SubnetOptions,
  visible: Visible,
): Rpc<"downloadSubmission"> {
  const send = createDownloads(options);
  return async function* ({ copyId, offset }, call) {
    const copy = find(visible, copyId);
    const { task, assignment } = copy;
    if (!task.isPublished) {
      throw failedPrecondition(
        `task ${task.id} is ${task.state}; its assets are published when it has ended and no miner works on it`,
      );
    }
    const asset = visible.asset(copy);
    if (asset === undefined) {
      throw failedPrecondition(`nothing was submitted for copy ${copyId}`);
    }
    if (!asset.assetKept) {
      throw failedPrecondition(
        `the asset of copy ${copyId} was removed: assets are kept for some days and while there is space`,
      );
    }
    const validator = asset.validator || options.validatorHotkey;
    const message = assetMessage(task, assignment, asset, validator);
    yield* send({ message, sha256: asset.assetSha256 }, offset, call.client);
  };
}

/** @throws RpcError NOT_FOUND */
function find(visible: Visible, copyId: string): VisibleCopy {
  const copy = visible.copy(copyId);
  if (copy === undefined) {
    throw notFound(
      `no copy "${copyId.slice(0, maxIdChars)}": there never was one, it was removed some time after its end, or it is not shown here`,
    );
  }
  return copy;
}
