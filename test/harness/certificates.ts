/** Certificates for tests, made by openssl: authorities, and what they vouch for. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Certificate {
  /** PEM */
  readonly certFile: string;
  /** PEM */
  readonly keyFile: string;
}

export interface Authority extends Certificate {
  /**
   * @param names such as `IP:127.0.0.1` and `DNS:localhost`
   * @param days until it ends; -1: yesterday
   */
  issue(name: string, names: string, days?: number): Certificate;
}

export interface Certificates extends Disposable {
  createAuthority(name: string): Authority;
}

/** Why no certificates can be made here; false when they can. */
export const noOpenssl =
  spawnSync("openssl", ["version"]).status === 0 ? false : "openssl is not here";

export function createCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), "turntable-certificates-"));
  const files = (name: string): Certificate => ({
    certFile: join(folder, `${name}.pem`),
    keyFile: join(folder, `${name}.key`),
  });
  const openssl = (...argv: string[]): void => {
    execFileSync("openssl", argv, { stdio: "pipe" });
  };
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  return {
    createAuthority(name) {
      const own = files(name);
      const out = ["-keyout", own.keyFile, "-out", own.certFile];
      openssl("req", "-x509", ...newKey, ...out, "-subj", `/CN=${name}`, "-days", "2");
      return {
        ...own,
        issue(subject, names, days = 2) {
          const issued = files(subject);
          const request = join(folder, `${subject}.csr`);
          const asked = ["-keyout", issued.keyFile, "-out", request, "-subj", `/CN=${subject}`];
          openssl("req", ...newKey, ...asked, "-addext", `subjectAltName=${names}`);
          const by = ["-CA", own.certFile, "-CAkey", own.keyFile, "-copy_extensions", "copy"];
          const signed = ["-in", request, "-out", issued.certFile, "-days", String(days)];
          openssl("x509", "-req", ...signed, ...by);
          return issued;
        },
      };
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}
