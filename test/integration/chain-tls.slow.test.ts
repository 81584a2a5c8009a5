/** wss:// to endpoints whose certificates do not fit, and to the wrong kind of port: said in words, and tried on. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createPlainServer } from "node:http";
import { createServer } from "node:https";
import type { Server } from "node:net";
import { after, describe, test } from "node:test";
import { connectSubtensor } from "@turntable/bittensor/subtensor";
import { type Certificate, createCertificates, noOpenssl } from "../harness/certificates.ts";

describe("an endpoint", { skip: noOpenssl, timeout: 30_000 }, () => {
  const certificates = createCertificates();
  after(() => certificates[Symbol.dispose]());
  const authority = certificates.createAuthority("authority");

  async function reasonsOf(scheme: "ws" | "wss", server: Server): Promise<readonly string[]> {
    await once(server.listen(0, "127.0.0.1"), "listening");
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    const reasons: string[] = [];
    const twice = new AbortController();
    let knocks = 0;
    server.on("connection", () => {
      knocks += 1;
      if (knocks === 3) {
        twice.abort(new Error("enough"));
      }
    });
    const connecting = connectSubtensor(
      {
        endpoints: [`${scheme}://127.0.0.1:${address.port}`],
        retry: { first: 1, longest: 4, afterRefusal: 1 },
        onEvent: (event) => {
          if (event.kind === "away") {
            reasons.push(event.reason);
          }
        },
      },
      twice.signal,
    );
    await assert.rejects(connecting, /enough/);
    server.close();
    return reasons;
  }

  const secure = ({ certFile, keyFile }: Certificate): Server =>
    createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) });

  for (const [what, scheme, server, message] of [
    [
      "of an unknown authority",
      "wss",
      () => secure(authority.issue("here", "IP:127.0.0.1")),
      /not trusted here; NODE_EXTRA_CA_CERTS/,
    ],
    [
      "whose certificate has ended",
      "wss",
      () => secure(authority.issue("ended", "IP:127.0.0.1", -1)),
      /no longer or not yet valid/,
    ],
    ["without TLS", "wss", () => createPlainServer(), /ws:\/\/ instead of wss:\/\//],
    [
      "with TLS that is not asked for",
      "ws",
      () => secure(authority.issue("other", "IP:127.0.0.1")),
      /with TLS wants wss/,
    ],
  ] as const) {
    test(`${what} is told once and tried on`, async () => {
      const reasons = await reasonsOf(scheme, server());
      assert.equal(reasons.length, 1, reasons.join("\n"));
      assert.match(reasons[0] ?? "", message);
      assert.doesNotMatch(reasons[0] ?? "", /\n|deps\/openssl/);
    });
  }
});
