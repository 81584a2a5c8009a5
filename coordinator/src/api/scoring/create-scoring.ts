import { alreadyExists, exhausted, invalidArgument, tooLarge } from "../errors.ts";
import { checkPrompt } from "../prompt.ts";
import { checkIntake, messageOf, type Rpc, type ScoringOptions } from "./service.ts";

/** Longest request id and format, in UTF-16 units. */
const maxRequestIdChars = 128;
const maxFormatChars = 32;
const sha256Bytes = 32;
/** When a client is told to come back while there is no room, in ms. */
const fullRetryMs = 10_000;

/** Announces an asset; the same request id gives the same scoring again. */
export function createScoring(options: ScoringOptions): Rpc<"createScoring"> {
  const { scorings, limits, maxPromptChars, now } = options;
  return async ({ prompt, sizeBytes, sha256, encoding, requestId }, { client }) => {
    checkPrompt(prompt, maxPromptChars);
    if (sizeBytes === 0n) {
      throw invalidArgument("size_bytes", "is 0; say how large the asset is");
    }
    if (sizeBytes > BigInt(limits.assetBytes)) {
      const problem = `is ${sizeBytes}; at most ${limits.assetBytes} are allowed`;
      throw tooLarge("size_bytes", problem);
    }
    if (sha256.length !== sha256Bytes) {
      throw invalidArgument("sha256", `has ${sha256.length} bytes instead of ${sha256Bytes}`);
    }
    const { format = "", version = 0, compression = 0 } = encoding ?? {};
    for (const [field, text, most] of [
      ["request_id", requestId, maxRequestIdChars],
      ["encoding.format", format, maxFormatChars],
    ] as const) {
      if (text.length > most) {
        throw tooLarge(field, `has ${text.length} characters; at most ${most} are allowed`);
      }
    }
    checkIntake(options);
    const outcome = scorings.create(
      {
        ...{ client, prompt, sizeBytes: Number(sizeBytes) },
        sha256: Buffer.from(sha256).toString("hex"),
        encoding: { format, version, compression },
        requestId: requestId || undefined,
      },
      now(),
    );
    switch (outcome.kind) {
      case "created":
      case "repeated":
        return { scoring: await messageOf(options, outcome.scoring) };
      case "conflict":
        throw alreadyExists("request_id was used for another asset or prompt; use a new one");
      case "full":
        throw exhausted(
          "scorings",
          `${outcome.limit} scorings ${outcome.of === "client" ? "of yours " : ""}are open, which is the limit; try again when some have ended`,
          fullRetryMs,
        );
      default:
        throw new TypeError(`unknown outcome ${String(outcome satisfies never)}`);
    }
  };
}
