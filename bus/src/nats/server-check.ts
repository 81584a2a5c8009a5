import { NatsServerError } from "./options.ts";

/** What the check needs of the server's INFO. */
export interface ServerFacts {
  readonly version: string;
  readonly jetstream?: boolean;
  /** Bytes of the largest message. */
  readonly max_payload?: number;
}

/**
 * 2.9 ignores `term` with a reason and delivers such a message again, and after a crash keeps messages that were
 * acknowledged; 2.10.27 is the oldest one that these were tried on.
 */
export const minimumServerVersion = "2.10.27";

/** Room for a result with all its views, and for chunks of an asset; a server's own default is 1 MiB. */
export const minimumPayloadBytes = 64 * 1024;

/** @throws NatsServerError saying what to do */
export function checkServer({ version, jetstream, max_payload: payload }: ServerFacts): void {
  // A pre-release counts as its release: `2.12.0-preview.1`.
  const isNewEnough = version.localeCompare(minimumServerVersion, "en", { numeric: true }) >= 0;
  if (!isNewEnough) {
    throw new NatsServerError(
      `nats-server ${version} is too old: jobs that it was told to drop come back. Install ${minimumServerVersion} or newer.`,
    );
  }
  if (jetstream !== true) {
    throw new NatsServerError(
      'nats-server runs without JetStream, where jobs are kept. Add "jetstream { store_dir: … }" to its configuration, or start it with -js -sd DIRECTORY.',
    );
  }
  if (payload !== undefined && payload < minimumPayloadBytes) {
    throw new NatsServerError(
      `nats-server takes messages of ${payload} bytes at most, too few for results: set max_payload to 8MB in its ` +
        `configuration, to ${minimumPayloadBytes} at least.`,
    );
  }
}
