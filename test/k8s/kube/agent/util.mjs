/** Small helpers that several parts need. */
import { execFile } from "node:child_process";

export function log(message) {
  console.log(`${new Date().toISOString().slice(11, 23)} ${message}`);
}

/** Ends early, without an error, when the signal aborts. */
export function sleep(milliseconds, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, signal?.aborted ? 0 : milliseconds);
    signal?.addEventListener("abort", done, { once: true });
  });
}

/** Runs a program to its end; rejects with what it wrote to stderr. */
export function run(program, args) {
  return new Promise((resolve, reject) => {
    execFile(program, args, { maxBuffer: 16 << 20 }, (error, stdout, stderr) => {
      if (error) {
        reject(
          new Error(
            `${program} ${args.join(" ").slice(0, 200)}: ${stderr.trim() || error.message}`,
          ),
        );
      } else {
        resolve(stdout);
      }
    });
  });
}

export const shell = (script, ...args) => run("/bin/sh", ["-ec", script, "sh", ...args]);

export const quote = (text) => `'${String(text).replaceAll("'", `'\\''`)}'`;

const suffixes = {
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** A Kubernetes quantity such as 100m or 3Gi as a number. */
export function quantity(text) {
  const [, number, suffix] = /^([0-9.e+-]+)([A-Za-z]*)$/.exec(String(text)) ?? [];
  return Number(number) * (suffix ? suffixes[suffix] : 1);
}

/** Seconds since the epoch as the API writes times: without milliseconds. */
export const apiTime = (date = new Date()) => `${date.toISOString().slice(0, 19)}Z`;
