import { failedPrecondition, invalidArgument, outOfRange, tooLarge } from "../errors.ts";
import { checkIntake, findScoring, type Rpc, type ScoringOptions } from "./service.ts";

/** Largest piece, in bytes. */
const maxPieceBytes = 1024 * 1024;

/** Takes the next piece of an asset; with the last one it is queued. */
export function uploadAsset(options: ScoringOptions): Rpc<"uploadAsset"> {
  const { scorings, now } = options;
  return async ({ scoringId, offset, chunk }, call) => {
    const { sizeBytes } = findScoring(options, scoringId, call);
    if (chunk.length > maxPieceBytes) {
      throw tooLarge("chunk", `has ${chunk.length} bytes; at most ${maxPieceBytes} are allowed`);
    }
    if (chunk.length === 0) {
      throw invalidArgument("chunk", "is empty");
    }
    checkIntake(options);
    // An offset beyond 2^53 is beyond every asset's end all the same.
    const outcome = await scorings.upload(scoringId, Number(offset), chunk, now());
    switch (outcome.kind) {
      case "received":
        return { receivedBytes: BigInt(outcome.bytes), complete: outcome.isWhole };
      case "gap":
        throw outOfRange(
          "offset",
          `is ${offset}, and ${outcome.bytes} bytes have come; go on there`,
        );
      case "surplus":
        throw invalidArgument("chunk", `ends beyond the asset, which has ${sizeBytes} bytes`);
      case "wrong-hash":
        throw invalidArgument(
          "chunk",
          "is the last one, and the asset's SHA-256 is another than announced; upload it again from 0",
        );
      case "ended":
        throw failedPrecondition(`scoring ${scoringId} has ended; make a new one`);
      default:
        throw new TypeError(`unknown outcome ${String(outcome satisfies never)}`);
    }
  };
}
