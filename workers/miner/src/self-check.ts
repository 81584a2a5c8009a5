/** What a validator that rejects by lint would say, before the asset is sent. */
import { AssetError, lint, readAsset } from "@turntable/splat";

/** What was found, one line each, worst first; nothing for HDF5, which only the worker reads. */
export async function selfCheck(bytes: Uint8Array): Promise<readonly string[]> {
  try {
    const findings = lint(await readAsset(bytes));
    return findings.map(({ code, severity, message }) => `${severity} ${code}: ${message}`);
  } catch (error) {
    if (!(error instanceof AssetError)) {
      throw error;
    }
    if (error.code === "unknown-format") {
      return [];
    }
    return [`error ${error.code}: ${error.message}`];
  }
}
