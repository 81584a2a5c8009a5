/** How values look to people. */
import type { DescEnum } from "@bufbuild/protobuf";
import { AssignmentStateSchema, TaskStateSchema } from "@turntable/proto";

/** Text of others on a terminal: control characters shown, not obeyed. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu,
    (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`,
  );
}

/** At most `width` characters, with an ellipsis when something was cut off. */
export function shorten(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join("")}…`;
}

/** Both ends of a hotkey, enough to tell miners apart. */
export function shortHotkey(hotkey: string): string {
  return hotkey.length <= 12 ? hotkey : `${hotkey.slice(0, 6)}…${hotkey.slice(-4)}`;
}

/** Said where scores of a demonstration model are shown. */
export const demonstrationNote =
  "a demonstration model: it knows few words, its scores say little outside them";

/** `0.93`, `0.93 (demonstration model)` */
export function formatScore(score: number, demonstration: boolean): string {
  return `${score.toFixed(2)}${demonstration ? " (demonstration model)" : ""}`;
}

/** `1.4 MB` */
export function formatBytes(sizeBytes: number | bigint): string {
  let value = Number(sizeBytes);
  for (const unit of ["bytes", "kB", "MB"]) {
    if (value < 1_000) {
      return `${unit === "bytes" ? value : value.toFixed(1)} ${unit}`;
    }
    value /= 1_000;
  }
  return `${value.toFixed(1)} GB`;
}

/** `850 ms`, `12.3 s`, `4 min` */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1_000) {
    return `${Math.round(durationMs)} ms`;
  }
  if (durationMs < 120_000) {
    return `${(durationMs / 1_000).toFixed(1)} s`;
  }
  if (durationMs < 7_200_000) {
    return `${Math.round(durationMs / 60_000)} min`;
  }
  if (durationMs < 172_800_000) {
    return `${Math.round(durationMs / 3_600_000)} h`;
  }
  return `${Math.round(durationMs / 86_400_000)} d`;
}

const bars = "▁▂▃▄▅▆▇█";

/** One bar for a value from 0 to 1. */
export function bar(value: number): string {
  const step = Math.min(bars.length - 1, Math.max(0, Math.floor(value * bars.length)));
  return bars[step] ?? "";
}

/** Rows under a header, columns as wide as their widest entry; `right` names the columns of numbers. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly string[] = [],
): string {
  const widths = header.map((title, i) =>
    Math.max(...[title, ...rows.map((row) => row[i] ?? "")].map((text) => [...text].length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => {
        const padding = " ".repeat(Math.max(0, (widths[i] ?? 0) - [...cell].length));
        return right.includes(header[i] ?? "") ? padding + cell : cell + padding;
      })
      .join("  ")
      .trimEnd();
  return `${[header, ...rows].map(line).join("\n")}\n`;
}

/** `SUCCEEDED` -> `succeeded`; a state of a newer server is shown as its number. */
export function taskStateName(state: number): string {
  return enumName(TaskStateSchema, state) ?? `state ${state}`;
}

/** `INVALID_ASSET` -> `invalid-asset` */
export function assignmentStateName(state: number): string {
  return enumName(AssignmentStateSchema, state) ?? `state ${state}`;
}

/** `READ_ALL` -> `read-all`; undefined for a number that has no name here. */
export function enumName(schema: DescEnum, number: number): string | undefined {
  return schema.value[number]?.localName.toLowerCase().replaceAll("_", "-");
}

/** Words of a text as part of a file's name: `a-red-cube`. */
export function slug(text: string): string {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return [...words.join("-")].slice(0, 40).join("").replace(/-$/, "") || "asset";
}
