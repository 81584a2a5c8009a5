/**
 * A real S3 server for tests: moto's, in a Python environment that is made once and kept in `.cache/s3-server`. It keeps
 * objects in memory and, as it is started here, refuses what is not signed with its one key. What cannot be made (no
 * Python, PyPI out of reach) is named with the reason, so that tests say what they skip.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ensurePythonEnvironment } from "./python-environment.ts";

const requirements = join(import.meta.dirname, "requirements-s3.txt");
const cacheDirectory = resolve(import.meta.dirname, "../../.cache/s3-server");
/** Importing all of it takes seconds on a busy machine. */
const startTimeoutMs = 60_000;
/** Making a user with a key and a policy, before anybody has one. */
const unsignedRequests = 3;

export type S3Environment =
  | { readonly kind: "ready"; readonly python: string }
  | { readonly kind: "missing"; readonly reason: string };

export interface S3Server extends AsyncDisposable {
  readonly url: string;
  /** What the AWS SDK reads, with credentials that may do everything. */
  readonly env: Readonly<Record<string, string>>;
  /** From here on it takes connections and says nothing. */
  pause(): void;
  resume(): void;
}

/** Makes the environment unless it is there; never throws. */
export async function ensureS3Server(): Promise<S3Environment> {
  const digest = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12);
  const folder = join(cacheDirectory, digest);
  try {
    const packages = ["--no-deps", "-r", requirements];
    const python = await ensurePythonEnvironment(folder, { base: "python3", packages });
    return { kind: "ready", python };
  } catch (error) {
    const [reason = ""] = String(error instanceof Error ? error.message : error)
      .trim()
      .split("\n")
      .slice(-1);
    return { kind: "missing", reason: `no S3 server could be installed: ${reason}` };
  }
}

/** Starts it without objects, on this port. */
export async function startS3Server(python: string, port: number): Promise<S3Server> {
  const child = spawn(python, ["-m", "moto.server", "-H", "127.0.0.1", "-p", String(port)], {
    stdio: "ignore",
    env: { ...process.env, INITIAL_NO_AUTH_ACTION_COUNT: String(unsignedRequests) },
  });
  const ended = new Promise<void>((done) => child.once("close", () => done()));
  const url = `http://127.0.0.1:${port}`;
  try {
    const until = performance.now() + startTimeoutMs;
    // It has no word for "ready": it is when it answers.
    while (
      !(await fetch(`${url}/moto-api/`).then(
        ({ ok }) => ok,
        () => false,
      ))
    ) {
      if (performance.now() > until || child.exitCode !== null) {
        throw new Error("the S3 server does not start");
      }
      await sleep(50);
    }
    await askIam(url, { Action: "CreateUser", UserName: "tests" });
    const key = await askIam(url, { Action: "CreateAccessKey", UserName: "tests" });
    const PolicyDocument = JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "*" }],
    });
    await askIam(url, {
      ...{ Action: "PutUserPolicy", UserName: "tests", PolicyName: "all", PolicyDocument },
    });
    const part = (name: string): string =>
      new RegExp(`<${name}>(.*?)</${name}>`).exec(key)?.[1] ?? "";
    return {
      url,
      env: {
        AWS_ACCESS_KEY_ID: part("AccessKeyId"),
        AWS_SECRET_ACCESS_KEY: part("SecretAccessKey"),
      },
      pause: () => void child.kill("SIGSTOP"),
      resume: () => void child.kill("SIGCONT"),
      async [Symbol.asyncDispose]() {
        child.kill("SIGKILL");
        await ended;
      },
    };
  } catch (error) {
    child.kill("SIGKILL");
    await ended;
    throw error;
  }
}

/** One of the requests that need no signature yet; the header only says for which service it is. */
async function askIam(url: string, parameters: Readonly<Record<string, string>>): Promise<string> {
  const authorization =
    "AWS4-HMAC-SHA256 Credential=none/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0";
  const body = new URLSearchParams({ Version: "2010-05-08", ...parameters });
  const answer = await fetch(url, { method: "POST", headers: { authorization }, body });
  const text = await answer.text();
  if (!answer.ok) {
    throw new Error(`the S3 server made no user: ${text}`);
  }
  return text;
}
