/** Files for the reader's disk. */

export function saveFile(name: string, content: BlobPart, type: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // After the click has been dealt with: the download holds the bytes by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A file's name of a prompt, whatever that holds: letters and digits of ASCII, at most 40. */
export function fileNameOf(prompt: string): string {
  const words = prompt
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 40)
    .replaceAll(/^-+|-+$/g, "");
  return words === "" ? "asset" : words;
}

const extensions: ReadonlyMap<string, string> = new Map([
  ["ply", "ply"],
  ["spz", "spz"],
  ["hdf5", "h5"],
]);

/** The usual ending of a format's files. */
export function extensionOf(format: string): string {
  return extensions.get(format) ?? "bin";
}
