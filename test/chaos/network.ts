/**
 * The members' network: a namespace of its own for each, all plugged into one switch. A member is cut off by plugging it
 * into another one, so that its packets vanish and nobody is told. Where no namespaces can be made, everybody listens on
 * an address of the loopback, and nobody can be cut off.
 *
 * The process has to be alone in its namespaces (see isolated.ts): what is made here goes away with them.
 */
import { spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";

export interface Network {
  /** Why nobody can be cut off; undefined when that is possible. */
  readonly noCuts: string | undefined;
  /** Address that the member listens on and comes from. */
  hostOf(member: string): string;
  /** Runs a command as the member. */
  launcherOf(member: string): readonly string[];
  /** From now on these reach each other and nobody else. */
  cut(members: readonly string[]): void;
  /** Everybody reaches everybody. */
  heal(): void;
}

const firstHost = 10;
const names = "/run/netns";

export function openNetwork(members: readonly string[], isIsolated: boolean): Network {
  return isIsolated ? openNamespaces(members) : openLoopback(members);
}

function openLoopback(members: readonly string[]): Network {
  const prefix = `127.${randomInt(1, 255)}.${randomInt(1, 255)}`;
  return {
    noCuts: "network namespaces need root",
    hostOf: (member) => `${prefix}.${firstHost + members.indexOf(member)}`,
    launcherOf: () => [],
    cut() {
      throw new Error("nobody can be cut off on the loopback");
    },
    heal() {},
  };
}

function openNamespaces(members: readonly string[]): Network {
  const hostOf = (member: string): string => `10.77.0.${firstHost + members.indexOf(member)}`;
  const portOf = (member: string): string => `port${members.indexOf(member)}`;
  run("mkdir", ["-p", names]);
  run("mount", ["-t", "tmpfs", "tmpfs", names]);
  ip([
    "link set lo up",
    "link add switch type bridge",
    "link add apart type bridge",
    "addr add 10.77.0.1/24 dev switch",
    "link set switch up",
    "link set apart up",
    ...members.flatMap((member) => [
      `netns add ${member}`,
      `link add ${portOf(member)} type veth peer name eth0 netns ${member}`,
      `link set ${portOf(member)} master switch up`,
    ]),
  ]);
  for (const member of members) {
    ip([`addr add ${hostOf(member)}/24 dev eth0`, "link set eth0 up", "link set lo up"], member);
  }
  const plug = (into: string, moved: readonly string[]): void =>
    ip(moved.map((member) => `link set ${portOf(member)} master ${into}`));
  return {
    noCuts: undefined,
    hostOf,
    launcherOf: (member) => ["nsenter", `--net=${names}/${member}`],
    cut: (cut) => plug("apart", cut),
    heal: () => plug("switch", members),
  };
}

function ip(commands: readonly string[], member?: string): void {
  run("ip", [...(member === undefined ? [] : ["-n", member]), "-batch", "-"], commands.join("\n"));
}

function run(command: string, args: readonly string[], input = ""): void {
  const { status, stderr, error } = spawnSync(command, args, { input, encoding: "utf8" });
  if (status !== 0) {
    throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? stderr}`);
  }
}
