/** The consent text that miners sign since October 2024. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

/** SHA-256 of the consent text (199 bytes) that miners of the subnet sign since October 2024. */
export const consentTextSha256 = "4ce1b0e563e233282c91114687a4e08765cfc2b4e00ad94a13607352cd09ecc9";

/** The consent file is not the text that the subnet signs. */
export class ConsentTextError extends Error {
  override name = "ConsentTextError";
}

/**
 * Reads the consent text and checks that it is the subnet's, byte for byte.
 * @param sha256 of another text, for other subnets
 * @throws ConsentTextError
 */
export async function loadConsentText(
  path: string,
  sha256: string = consentTextSha256,
): Promise<string> {
  const bytes = await readFile(path);
  const digest = createHash("sha256").update(bytes).digest("hex");
  if (digest !== sha256) {
    throw new ConsentTextError(
      `${path}: ${bytes.length} bytes with SHA-256 ${digest}, but the subnet's consent text has ${sha256}; ` +
        "it must be the text alone, without quotes or a final newline",
    );
  }
  return bytes.toString("utf8");
}
