import { NatsServerError } from "./options.ts";

/** What the check needs of the server's INFO. */
export interface ServerFacts {
  readonly version: string;
  readonly jetstream?: boolean;
}

/**
 * 2.9 ignores `term` with a reason and delivers such a message again, and after a crash keeps messages that were
 * acknowledged; 2.10.27 is the oldest one that these were tried on.
 */
export const minimumServerVersion = "2.10.27";

/** @throws NatsServerError saying what to do */
export function checkServer({ version, jetstream }: ServerFacts): void {
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
}
