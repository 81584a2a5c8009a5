/** Images for the node agent: folders as the Dockerfile would fill them, and what starts in them. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../../..");
const roles = ["coordinator", "worker", "generator", "miner", "prompts"];

/** An entry of images.json, from which node-agent.mjs starts containers. */
interface Image {
  /** Path in the container to file or folder here. */
  readonly mounts?: Readonly<Record<string, string>>;
  readonly workingDir?: string;
  readonly user?: string;
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Assembles every role from this checkout and lists them in `work`/images.json.
 * @param natsServer the program behind the image `nats`
 */
export function makeImages(work: string, natsServer: string): void {
  const images: Record<string, Image> = {
    // Any tag. The official image starts by a script that puts the program before flags.
    nats: {
      mounts: { "/usr/local/bin/nats-server": natsServer },
      entrypoint: ["nats-server"],
    },
    // The machine's own programs and nothing else.
    debian: { cmd: ["/bin/sh"] },
  };
  for (const role of roles) {
    const folder = join(work, "images", role);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(join(work, "images"), { recursive: true });
    execFileSync(process.execPath, [join(root, "scripts/assemble.ts"), role, folder]);
    images[`turntable/${role}`] = {
      mounts: { "/app": folder, "/usr/local/bin/node": join(root, "node_modules/node/bin/node") },
      ...dockerfile(),
    };
  }
  writeFileSync(join(work, "images.json"), JSON.stringify(images, null, 2));
}

/** What the Dockerfile says of the process. */
function dockerfile(): Image {
  const text = readFileSync(join(root, "k8s/docker/Dockerfile"), "utf8");
  const last = text.slice(text.lastIndexOf("\nFROM "));
  const value = (name: string): string => {
    const found = new RegExp(`^${name} (.+)$`, "m").exec(last)?.[1];
    if (found === undefined) {
      throw new Error(`k8s/docker/Dockerfile has no ${name}`);
    }
    return found;
  };
  const env = /^ENV ((?:.*\\\n)*.*)$/m.exec(last)?.[1] ?? "";
  return {
    user: value("USER"),
    workingDir: value("WORKDIR"),
    entrypoint: JSON.parse(value("ENTRYPOINT")),
    env: Object.fromEntries([...env.matchAll(/(\w+)=(\S+)/g)].map(([, name, is]) => [name, is])),
  };
}

/** Lets another name stand for the same content: a tag, so that a rollout has somewhere to go, or another image. */
export function aliasImage(work: string, name: string, alias: string): void {
  const file = join(work, "images.json");
  const images: Record<string, Image> = JSON.parse(readFileSync(file, "utf8"));
  const image = images[name];
  if (image === undefined) {
    throw new Error(`${file} has no ${name}`);
  }
  writeFileSync(file, JSON.stringify({ ...images, [alias]: image }, null, 2));
}
