import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { before, describe, it } from "node:test";
import { readVectors, skip, vectorPath } from "../../test/vectors.ts";
import { decryptKeyFile, encryptionOf } from "./encryption.ts";
import { parseKeyFile } from "./key-file.ts";
import { ready } from "./keypair.ts";
import { passwordsIn } from "./password.ts";

before(ready);

describe("keyfiles: every encrypted file opens", { skip }, () => {
  const files = skip
    ? []
    : globSync(vectorPath("keyfiles", "**", "*")).filter((path) => {
        try {
          return encryptionOf(readFileSync(path)) !== undefined;
        } catch {
          return false; // a folder
        }
      });
  for (const path of files)
    it(path.slice(vectorPath("keyfiles").length + 1), async () => {
      const { password, plaintext_sha256 } = readVectors<{
        password: string;
        plaintext_sha256: string;
      }>("keyfiles", "encryption.json");
      const plain = await decryptKeyFile(readFileSync(path), password);
      assert.ok(parseKeyFile(plain).keypair !== undefined);
      if (!path.includes("real-"))
        assert.equal(createHash("sha256").update(plain).digest("hex"), plaintext_sha256);
    });
});

describe("keyfiles: facts about password variables", { skip }, () => {
  it("are those of the real wallets", () => {
    for (const path of skip ? [] : globSync(vectorPath("keyfiles", "real-*", "expected.json"))) {
      const { envPassword = {} } = JSON.parse(readFileSync(path, "utf8"));
      const known = envPassword.envVarName;
      if (known === undefined) continue;
      const [password] = passwordsIn({ [known.name]: "AAAA" }, known.path, "x");
      assert.notEqual(password, undefined, basename(path));
    }
  });
});
