/** Run before the tests: there is a nats-server for them afterwards, or this fails and says what to do. */
import { ensureNatsServer, NoNatsServerError } from "@turntable/test/nats-server-binary";

try {
  const { path, version, isNew } = await ensureNatsServer();
  if (isNew) {
    console.log(`nats-server ${version} is now at ${path}`);
  }
} catch (error) {
  if (!(error instanceof NoNatsServerError)) {
    throw error;
  }
  console.error(error.message);
  process.exitCode = 1;
}
