/**
 * libfaketime, with which a process sees another time than the machine's, and one that steps: the one that is installed,
 * else Debian's, unpacked into `.cache` (the system stays as it is).
 */
import { execFile } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { glob, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const library = "faketime/libfaketimeMT.so.1";
const cacheDirectory = resolve(import.meta.dirname, "../../.cache/faketime");

/** Path of the library; undefined where there is none and none can be had. */
export async function findFaketime(): Promise<string | undefined> {
  for (const pattern of [`/usr/lib/*/${library}`, `${cacheDirectory}/usr/lib/*/${library}`]) {
    for await (const path of glob(pattern)) {
      return path;
    }
  }
  return undefined;
}

/** As `findFaketime`, and fetches it from Debian's archive first where it is missing. */
export async function ensureFaketime(): Promise<string | undefined> {
  const found = await findFaketime();
  if (found !== undefined) {
    return found;
  }
  await mkdir(dirname(cacheDirectory), { recursive: true });
  const directory = await mkdtemp(`${cacheDirectory}-`);
  try {
    await run("apt-get", ["download", "libfaketime"], { cwd: directory });
    for await (const file of glob("*.deb", { cwd: directory })) {
      await run("dpkg-deb", ["-x", join(directory, file), join(directory, "unpacked")]);
    }
    if (!existsSync(cacheDirectory)) {
      await rename(join(directory, "unpacked"), cacheDirectory);
    }
  } catch {
    return undefined; // no Debian machine, or no network
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  return findFaketime();
}

export interface SteppedClock {
  /** Variables of the process whose clock it is. */
  readonly env: Readonly<Record<string, string>>;
  /** Sets it by so many seconds off the machine's. */
  step(offS: number): void;
}

/** @param file where the library reads how far the clock is off, within a second */
export function createSteppedClock(faketime: string, file: string): SteppedClock {
  const step = (offS: number): void => writeFileSync(file, `${offS < 0 ? "" : "+"}${offS}`);
  step(0);
  return {
    step,
    env: {
      LD_PRELOAD: faketime,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: "1",
      // Deadlines of the operating system's own waits hang on it, and no machine's ever steps.
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    },
  };
}
