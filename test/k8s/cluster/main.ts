/**
 * `npm run test:cluster [-- dev] [keda] [prod] [components]`: the manifests on a real Kubernetes, whose pods are processes of this
 * machine. Prints a table; ends everything that it started. Needs root, and Go for the first time.
 */
import { startCluster } from "../kube/cluster.ts";
import { tryComponents } from "./components.ts";
import { applyDev, disturbDev, scaleDevByLag } from "./dev.ts";
import { connect } from "./load.ts";
import { tryProd } from "./prod.ts";
import { createSteps, printDiagnosis } from "./steps.ts";

const basePort = 26_000;
const devPort = basePort + 50;
const prodPort = basePort + 51;
/** The least pieces of work for each step. */
const pieces = 16;
const parts = ["dev", "keda", "prod", "components"];

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !parts.includes(name));
if (unknown.length > 0) {
  console.error(`no part ${unknown.join(", ")}; there are ${parts.join(", ")}`);
  process.exit(2);
}
const wants = (name: string): boolean => asked.length === 0 || asked.includes(name);
const log = (line: string): void =>
  console.log(`${new Date().toISOString().slice(11, 19)} ${line}`);
const steps = createSteps(log);

await using cluster = await startCluster({
  basePort,
  // prod has a ScaledObject, and so has a component.
  keda: wants("keda") || wants("prod") || wants("components"),
  expose: {
    [devPort]: "coordinator.turntable-dev:50051",
    [prodPort]: "coordinator.turntable:50051",
  },
  log,
});
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    void Promise.resolve(cluster[Symbol.asyncDispose]()).finally(() => process.exit(1));
  });
}
log(`kubectl: ${cluster.work}/bin/kube kubectl --kubeconfig ${cluster.work}/kubeconfig`);
using client = connect(`127.0.0.1:${devPort}`, "turntable-dev-key");
const run = { cluster, steps, client, pieces };
try {
  if (wants("dev") || wants("keda")) {
    const asset = await applyDev(run);
    if (wants("dev")) {
      await disturbDev(run, asset);
    }
    if (wants("keda")) {
      await scaleDevByLag(run, asset);
    }
    await cluster.kubectl("delete", "namespace", "turntable-dev");
  }
  if (wants("prod")) {
    await tryProd({ cluster, steps, pieces, address: `127.0.0.1:${prodPort}` });
  }
  if (wants("components")) {
    await tryComponents(cluster, steps);
  }
} catch (error) {
  await printDiagnosis(cluster);
  console.error(error);
  process.exitCode = 1;
}
steps.print();
