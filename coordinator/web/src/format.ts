/** Numbers, times and names as people read them. */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export function formatCount(value: number | bigint): string {
  return whole.format(value);
}

/** @param share 0 to 1 */
export function formatPercent(share: number): string {
  const percent = share * 100;
  return `${percent.toFixed(percent > 0 && percent < 10 ? 1 : 0)} %`;
}

/** A score or fidelity, 0 to 1. */
export function formatScore(score: number): string {
  return score.toFixed(3);
}

/** A reward: no unit, and no bound. */
export function formatReward(reward: number): string {
  return reward >= 100 ? formatCount(reward) : reward.toFixed(2);
}

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** The two largest units that matter, such as `3 min 20 s`. */
export function formatDuration(ms: number): string {
  if (ms < 1) {
    return ms <= 0 ? "0 ms" : "< 1 ms";
  }
  if (ms < secondMs) {
    return `${Math.round(ms)} ms`;
  }
  // Rounded first: 59.96 s are a minute, and not 60.0 s.
  if (Math.round(ms / 100) < 100) {
    return `${(ms / secondMs).toFixed(1)} s`;
  }
  const rounded = Math.round(ms / secondMs) * secondMs;
  if (rounded < minuteMs) {
    return `${rounded / secondMs} s`;
  }
  if (rounded < hourMs) {
    return twoUnits(rounded, [minuteMs, "min"], [secondMs, "s"]);
  }
  if (rounded < dayMs) {
    return twoUnits(rounded, [hourMs, "h"], [minuteMs, "min"]);
  }
  return twoUnits(rounded, [dayMs, "d"], [hourMs, "h"]);
}

type Unit = readonly [ms: number, name: string];

function twoUnits(ms: number, [bigMs, big]: Unit, [smallMs, small]: Unit): string {
  const bigs = Math.floor(ms / bigMs);
  const smalls = Math.floor((ms - bigs * bigMs) / smallMs);
  return smalls === 0 ? `${bigs} ${big}` : `${bigs} ${big} ${smalls} ${small}`;
}

/** The largest unit alone: `3 min ago`, `in 20 s`, `now`. @param ms until it; negative for what is past */
export function formatRelative(ms: number): string {
  const distance = Math.abs(ms);
  if (distance < secondMs) {
    return "now";
  }
  const units: readonly Unit[] = [
    [dayMs, "d"],
    [hourMs, "h"],
    [minuteMs, "min"],
    [secondMs, "s"],
  ];
  const [unitMs, name] = units.find(([size]) => distance >= size) ?? [secondMs, "s"];
  const words = `${Math.floor(distance / unitMs)} ${name}`;
  return ms < 0 ? `${words} ago` : `in ${words}`;
}

/** A time in full, with its zone, in the reader's own. */
export function formatTime(time: Date): string {
  return time.toLocaleString("en-GB", {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "short",
  });
}

/** Hours and minutes in the reader's zone. */
export function formatClock(time: Date): string {
  return time.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}

export function formatBytes(bytes: number | bigint): string {
  const value = Number(bytes);
  if (value < 1_000) {
    return `${value} B`;
  }
  const units = ["kB", "MB", "GB", "TB"];
  let scaled = value / 1_000;
  let unit = 0;
  // 999.95 kB would read as 1000.0 kB
  while (scaled >= 999.95 && unit < units.length - 1) {
    scaled /= 1_000;
    unit += 1;
  }
  return `${scaled.toFixed(scaled < 10 ? 1 : 0)} ${units[unit]}`;
}

/** Enough of a hotkey, hash or id to tell it from others; the whole belongs into a title. */
export function shorten(text: string, head = 6, tail = 4): string {
  return text.length <= head + tail + 1 ? text : `${text.slice(0, head)}…${text.slice(-tail)}`;
}

/** `1 miner`, `2 miners`. */
export function plural(count: number | bigint, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${Number(count) === 1 ? one : many}`;
}
