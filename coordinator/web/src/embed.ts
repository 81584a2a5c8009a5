/**
 * The viewer alone, for an `<iframe>` in other pages: `embed?copy=ID` shows a copy, `embed?task=ID` the winner of a task, and
 * a file that is dropped or chosen takes its place. It asks for what is public, and keeps nothing.
 */
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/embed.css";
import { explain, subnet } from "./api.ts";
import { fetchAsset } from "./data/assets.ts";
import type { Viewer, ViewerOptions } from "./viewer/contract.ts";
import { checkSize, mountViewer } from "./viewer/index.ts";

let viewer: Viewer | undefined;

/** In the place of what was shown before. */
function show(place: HTMLElement, options: ViewerOptions): void {
  viewer?.[Symbol.dispose]();
  place.replaceChildren();
  viewer = mountViewer(place, options);
}

function say(place: HTMLElement, text: string): void {
  const words = document.createElement("p");
  words.setAttribute("role", "alert");
  words.textContent = text;
  place.prepend(words);
}

async function showCopy(place: HTMLElement, query: URLSearchParams): Promise<void> {
  const copyId = query.get("copy") ?? (await winnerOf(query.get("task") ?? ""));
  const { report, published } = await subnet.getPublicReport({ copyId });
  show(place, {
    source: (signal) => fetchAsset(copyId, signal),
    cameras: published ? report?.views : undefined,
    profile: report?.profile,
    caption: report?.prompt ?? "an asset",
  });
}

async function winnerOf(taskId: string): Promise<string> {
  const { detail } = await subnet.getPublicTask({ taskId });
  if (detail === undefined || detail.winnerId === "") {
    throw new Error("The task has no winner, or none yet.");
  }
  return detail.winnerId;
}

async function showFile(place: HTMLElement, file: File): Promise<void> {
  checkSize(file.size);
  const source = new Uint8Array(await file.arrayBuffer());
  show(place, { source, caption: file.name });
}

/** Lets a file be dropped anywhere, or chosen. */
function takeFiles(place: HTMLElement): HTMLElement {
  const open = (file: File | undefined): void => {
    if (file !== undefined) {
      showFile(place, file).catch((error: unknown) => say(place, wordsOf(error)));
    }
  };
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    open(event.dataTransfer?.files[0]);
  });
  const input = document.createElement("input");
  input.type = "file";
  input.addEventListener("change", () => open(input.files?.[0]));
  const label = document.createElement("label");
  label.className = "embed-file";
  label.append("Open a file, or drop one here: PLY, SPZ, HDF5, GLB, SOG, .ksplat ", input);
  return label;
}

function wordsOf(error: unknown): string {
  return error instanceof Error && !("code" in error) ? error.message : explain(error);
}

const place = document.getElementById("embed");
if (place !== null) {
  const shown = document.createElement("div");
  shown.className = "embed-shown";
  const query = new URLSearchParams(location.search);
  const files = takeFiles(shown);
  place.append(shown);
  if (query.has("copy") || query.has("task")) {
    showCopy(shown, query).catch((error: unknown) => {
      say(shown, wordsOf(error));
      place.append(files);
    });
  } else {
    place.append(files);
  }
}
