/** What the page of the tests can be told to do: decode files, draw their scored views, and look at them. */
import { type Description, describeAsset } from "@turntable/splat/test/describe";
import { drawContactSheet, mountViewer } from "../index.ts";

/** @param path of a file that the page's server has */
export async function describeFile(path: string, format: string | null): Promise<Description> {
  return await describeAsset(await bytesOf(path), format ?? undefined);
}

/** SHA-256 of the pictures of a contact sheet, in hex, as four bytes a pixel. */
export async function hashesOfSheet(
  path: string,
  cameras: Parameters<typeof drawContactSheet>[0]["cameras"],
  sizePixels: number,
): Promise<readonly string[]> {
  const hashes: string[] = [];
  const pictures: ImageData[] = [];
  await drawContactSheet({
    bytes: await bytesOf(path),
    cameras,
    profile: "sn17-seed",
    sizePixels,
    signal: new AbortController().signal,
    onView: (view, picture) => {
      pictures[view] = picture;
    },
  });
  for (const { data } of pictures) {
    const hash = await crypto.subtle.digest("SHA-256", data);
    const hex = Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0"));
    hashes.push(hex.join(""));
  }
  return hashes;
}

let viewer: ReturnType<typeof mountViewer> | undefined;

/** Shows a file in the page's viewer, in the place of another one. */
export async function show(
  path: string,
  cameras: Parameters<typeof mountViewer>[1]["cameras"],
): Promise<void> {
  viewer?.[Symbol.dispose]();
  viewer = mountViewer(document.body, { source: await bytesOf(path), caption: path, cameras });
}

export function look(camera: Parameters<NonNullable<typeof viewer>["setCamera"]>[0]): void {
  viewer?.setCamera(camera);
}

/** What is looked at now, four bytes a pixel in base64. */
export async function picture(size: number): Promise<string> {
  const { data } = (await viewer?.picture(size)) ?? { data: new Uint8ClampedArray() };
  let characters = "";
  for (let at = 0; at < data.length; at += 4096) {
    characters += String.fromCharCode(...data.subarray(at, at + 4096));
  }
  return btoa(characters);
}

export function close(): void {
  viewer?.[Symbol.dispose]();
  viewer = undefined;
}

async function bytesOf(path: string): Promise<Uint8Array> {
  const response = await fetch(path);
  return new Uint8Array(await response.arrayBuffer());
}
