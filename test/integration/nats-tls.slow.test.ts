/** TLS to a real nats-server: what works, and what is said of everything that does not. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { QueueUnavailableError } from "@turntable/bus";
import { connectJobQueue, type NatsTlsOptions } from "@turntable/bus/nats";
import { testJob } from "../contract/job-queue-tools.ts";
import { type Certificate, createCertificates, noOpenssl } from "../harness/certificates.ts";
import { startNatsServer } from "../harness/nats-server.ts";

describe("TLS", { skip: noOpenssl, timeout: 60_000 }, () => {
  const certificates = createCertificates();
  after(() => certificates[Symbol.dispose]());
  const authority = certificates.createAuthority("authority");
  const stranger = certificates.createAuthority("stranger");
  const byAddress = authority.issue("by-address", "IP:127.0.0.1");
  const byName = authority.issue("by-name", "DNS:localhost");
  const ended = authority.issue("ended", "IP:127.0.0.1", -1);
  const client = authority.issue("client", "DNS:client");
  const unknown = stranger.issue("unknown", "DNS:client");

  const { certFile: caFile } = authority;
  const quoted = (file: string): string => JSON.stringify(file);
  const tls = ({ certFile, keyFile }: Certificate, more = ""): string =>
    `tls { cert_file: ${quoted(certFile)}, key_file: ${quoted(keyFile)} ${more} }`;
  const mutual = tls(byAddress, `, ca_file: ${quoted(caFile)}, verify: true`);

  interface Server {
    readonly config: string;
    readonly address?: string;
  }
  /** @returns why it was given up after a short while; undefined when a job was queued */
  async function attempt(
    { config, address = "tls://127.0.0.1" }: Server,
    options: NatsTlsOptions,
  ): Promise<string | undefined> {
    await using server = await startNatsServer({ extraConfig: config });
    const signal = AbortSignal.timeout(200);
    const servers = `${address}:${server.port}`;
    try {
      const quick = { requestTimeoutMs: 1_000, signal };
      await using queue = await connectJobQueue({ servers, tls: options, ...quick });
      await queue.submit(testJob("a"));
      return undefined;
    } catch (error) {
      assert.ok(error instanceof QueueUnavailableError, String(error));
      return error.message;
    }
  }

  for (const [what, server, options] of [
    ["an address", { config: tls(byAddress) }, { caFile }],
    ["a name", { config: tls(byName), address: "tls://localhost" }, { caFile }],
    [
      "an address without its scheme",
      { config: tls(byAddress), address: "nats://127.0.0.1" },
      { caFile },
    ],
    ["both sides' certificates", { config: mutual }, { caFile, ...client }],
    [
      "TLS from the first byte",
      { config: tls(byAddress, ", handshake_first: true") },
      { caFile, handshakeFirst: true },
    ],
  ] as const) {
    test(`with ${what}`, async () => {
      assert.equal(await attempt(server, options), undefined);
    });
  }

  for (const [what, server, options, message] of [
    ["no authority given", { config: tls(byAddress) }, {}, /not trusted here.*--nats-tls-ca-file/],
    [
      "another authority",
      { config: tls(byAddress) },
      { caFile: stranger.certFile },
      /not trusted here.*--nats-tls-ca-file/,
    ],
    ["another name", { config: tls(byName) }, { caFile }, /for other names.*127\.0\.0\.1/],
    ["a certificate that has ended", { config: tls(ended) }, { caFile }, /no longer .*valid/],
    [
      "no certificate of ours",
      { config: mutual },
      { caFile },
      /wants a certificate from its clients: .*--nats-tls-cert-file/,
    ],
    [
      "a certificate of ours that it does not know",
      { config: mutual },
      { caFile, ...unknown },
      /does not accept our certificate.*--nats-tls-cert-file/,
    ],
    [
      "a server that waits for TLS",
      { config: tls(byAddress, ", handshake_first: true") },
      { caFile },
      /says nothing.*--nats-tls-handshake-first/,
    ],
    [
      "a server that does not wait for TLS",
      { config: tls(byAddress) },
      { caFile, handshakeFirst: true },
      /leave out --nats-tls-handshake-first/,
    ],
    ["a server without TLS", { config: "" }, { caFile }, /has no TLS: add a tls block/],
  ] as const) {
    test(`${what}: one sentence with what to change`, async () => {
      const said = await attempt(server, options);
      assert.match(said ?? "it worked", message);
      assert.doesNotMatch(said ?? "", /\n|deps\/openssl/);
    });
  }

  for (const [what, options, message] of [
    ["is no certificate", { caFile: client.keyFile }, /client\.key.*holds no certificate in PEM/],
    ["is not there", { caFile: "/nonexistent.pem" }, /cannot be read: ENOENT/],
    [
      "lacks its key",
      { certFile: client.certFile },
      /a certificate and its key are given together/,
    ],
    [
      "goes with another key",
      { certFile: client.certFile, keyFile: unknown.keyFile },
      /key values mismatch.*goes with its own key/,
    ],
  ] as const) {
    test(`a file that ${what} is refused before anybody is asked`, async () => {
      const connecting = connectJobQueue({ servers: "tls://127.0.0.1:1", tls: options });
      await assert.rejects(connecting, { name: "NatsServerError", message });
    });
  }
});
