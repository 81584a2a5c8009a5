import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { before, describe, it } from "node:test";
import { readVectors, skip, vectorPath } from "../../test/vectors.ts";
import { decryptKeyFile, encryptionOf } from "./encryption.ts";
import { parseKeyFile } from "./key-file.ts";
import { ready } from "./keypair.ts";
import { passwordVariable } from "./password.ts";

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
  for (const path of files) {
    it(path.slice(vectorPath("keyfiles").length + 1), async () => {
      const { plaintext_sha256, ...ours } = readVectors<{
        password: string;
        plaintext_sha256: string;
      }>("keyfiles", "encryption.json");
      const [, folder] = /(real-[^/]+)\//.exec(path) ?? [];
      const { password = ours.password } =
        folder === undefined
          ? ours
          : readVectors<{ password?: string }>("keyfiles", folder, "expected.json");
      const plain = await decryptKeyFile(readFileSync(path), password);
      assert.ok(parseKeyFile(plain).keypair !== undefined);
      if (!path.includes("real-")) {
        assert.equal(createHash("sha256").update(plain).digest("hex"), plaintext_sha256);
      }
    });
  }
});

describe("keyfiles: facts about password variables", { skip }, () => {
  it("are those of the real wallets", () => {
    for (const path of skip ? [] : globSync(vectorPath("keyfiles", "real-*", "expected.json"))) {
      const facts = JSON.parse(readFileSync(path, "utf8")).envPassword ?? {};
      for (const [name, value] of Object.entries<unknown>(facts)) {
        if (!name.startsWith("envVarName")) {
          continue;
        }
        const { path: file, name: variable } =
          name === "envVarName"
            ? (value as { path: string; name: string })
            : { path: name.slice("envVarName ".length), name: String(value) };
        assert.equal(passwordVariable(file), variable, path);
      }
    }
  });
});
