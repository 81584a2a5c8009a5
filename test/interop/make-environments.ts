/** Makes the environments ahead of the tests: `node test/interop/make-environments.ts`. */
import { ensureEnvironment, sdkVersions } from "./environments.ts";

for (const version of sdkVersions) {
  const made = await ensureEnvironment(version);
  console.log(
    made.kind === "ready" ? `${version}: ${made.python}` : `${version}: skipped, ${made.reason}`,
  );
}
