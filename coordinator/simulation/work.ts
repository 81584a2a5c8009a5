/** What simulated miners hand in: honest work, and each cheat as its best case, since it meets rules and no renderer. */
import { geometryBytes, geometryLength } from "@turntable/splat/fingerprint";
import type { CheatName, Group } from "./population.ts";

export interface Work {
  /** From the task to the submission. */
  readonly seconds: number;
  /** What a worker finds, 0 to 1. */
  readonly score: number;
  /** What lint finds; profiles that reject it make the asset invalid. */
  readonly lint: string | undefined;
  /** 64 hex digits; equal for equal bytes. */
  readonly sha256: string;
  /** The fingerprint; empty where nobody copies the asset, which is then compared with nothing. */
  readonly geometry: Uint8Array<ArrayBuffer>;
  readonly isSigned: boolean;
  /** How often it is handed in again after its verdict. */
  readonly again: number;
}

/** Uniform in [0, 1). */
export type Random = () => number;

export interface Workshop {
  /** What a miner makes of its next task. */
  make(group: Group, hotkey: string): Work;
  /** From now on others may copy it. */
  handedIn(group: Group, work: Work): void;
}

/** Assets of its own that a miner hands in again and again. */
const libraryOfEach = 20;
/** Assets of the baseline's miners that others copy, the newest. */
const copied = 200;
/** A miner that hands in something ready. */
const readySeconds = 2;

/**
 * Scores are those that the built-in model gave the assets of `scoring/cheats.slow.test.ts`: white on white 0.00, a card
 * 0.00, a ball painted in front only 0.58, one with as many invisible splats as the honest one. What text on the object
 * does to a real CLIP was not measured: 0.8 is assumed.
 * @param victims name of the group whose work is copied
 */
export function createWorkshop(random: Random, victims: string): Workshop {
  let made = 0;
  const normal = ({ mean, spread }: { readonly mean: number; readonly spread: number }): number =>
    mean + spread * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const scoreOf = (of: { readonly mean: number; readonly spread: number }): number =>
    Math.min(1, Math.max(0, normal(of)));
  const newHash = (): string => {
    made += 1;
    return made.toString(16).padStart(64, "0");
  };
  const newGeometry = (): Uint8Array<ArrayBuffer> =>
    geometryBytes(Float32Array.from({ length: geometryLength }, () => 4 * random() - 2));
  const libraries = new Map<string, readonly string[]>();
  const gallery: Uint8Array<ArrayBuffer>[] = [];
  const oneOf = <T>(all: readonly T[]): T | undefined => all[Math.floor(random() * all.length)];

  const honest = ({ name, score, seconds }: Group): Work => {
    const isCopied = name === victims && (gallery.length < libraryOfEach || made % 8 === 0);
    const geometry = isCopied ? newGeometry() : new Uint8Array();
    return {
      ...{ seconds: Math.max(1, normal(seconds)), score: scoreOf(score), sha256: newHash() },
      ...{ geometry, lint: undefined, isSigned: true, again: 0 },
    };
  };
  const libraryOf = (hotkey: string): readonly string[] => {
    const known = libraries.get(hotkey) ?? Array.from({ length: libraryOfEach }, newHash);
    libraries.set(hotkey, known);
    return known;
  };
  const ready = { seconds: readySeconds };
  const dishonest: Readonly<Record<CheatName, (work: Work, hotkey: string) => Work>> = {
    none: (work) => work,
    white: (work) => ({ ...work, ...ready, score: scoreOf({ mean: 0, spread: 0.02 }) }),
    "flat-card": (work) => ({
      ...{ ...work, ...ready, lint: "flat" },
      score: scoreOf({ mean: 0, spread: 0.02 }),
    }),
    "front-only": (work) => ({
      ...{ ...work, seconds: work.seconds / 2, lint: "one-sided" },
      score: scoreOf({ mean: 0.58, spread: 0.08 }),
    }),
    invisible: (work) => ({ ...work, lint: "invisible" }),
    repeat: (work, hotkey) => ({
      ...{ ...work, ...ready, sha256: oneOf(libraryOf(hotkey)) ?? work.sha256 },
    }),
    copy(work) {
      const geometry = oneOf(gallery);
      // With nobody to copy from there is nothing to hand in.
      return geometry === undefined ? { ...work, score: 0 } : { ...work, ...ready, geometry };
    },
    text: (work) => ({ ...work, ...ready, score: scoreOf({ mean: 0.8, spread: 0.05 }) }),
    forged: (work) => ({ ...work, ...ready, isSigned: false }),
    resubmit: (work) => ({ ...work, again: 3 }),
    hammer: (work) => work,
  };
  return {
    make(group, hotkey) {
      const work = honest(group);
      return random() < group.cheats ? dishonest[group.cheat](work, hotkey) : work;
    },
    handedIn({ name }, { geometry }) {
      if (name === victims && geometry.length > 0) {
        gallery.push(geometry);
        gallery.splice(0, gallery.length - copied);
      }
    },
  };
}
