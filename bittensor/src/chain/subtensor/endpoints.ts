/** Networks by name, as the SDK names them. */
const named: Readonly<Record<string, string>> = {
  finney: "wss://entrypoint-finney.opentensor.ai:443",
  test: "wss://test.finney.opentensor.ai:443",
  archive: "wss://archive.chain.opentensor.ai:443",
  "latent-lite": "wss://lite.sub.latent.to:443",
  local: "ws://127.0.0.1:9944",
};

/** The URL of a network's name, or the URL itself. @throws RangeError for anything else */
export function endpointUrl(nameOrUrl: string): string {
  const url = Object.hasOwn(named, nameOrUrl) ? named[nameOrUrl] : nameOrUrl;
  if (url === undefined || !/^wss?:\/\/[^/\s]+/.test(url)) {
    throw new RangeError(
      `${JSON.stringify(nameOrUrl)} is neither a ws:// or wss:// URL nor one of ${Object.keys(named).join(", ")}`,
    );
  }
  return url;
}

/** Whether strangers use the network, so that only addresses of the internet make sense on it. */
export function isPublicNetwork(url: string): boolean {
  const { hostname } = new URL(url);
  return !/^(localhost|127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|\[(::1|f[cd]))/.test(
    hostname,
  );
}
