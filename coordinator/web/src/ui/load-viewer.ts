/** The viewer is a chunk of its own, which is loaded when something is looked at. */
import type { DrawContactSheet, MountViewer } from "../viewer/contract.ts";

interface ViewerModule {
  readonly mountViewer: MountViewer;
  readonly drawContactSheet: DrawContactSheet;
}

// Looked up, and not imported: a build without the viewer has everything else.
const [load] = Object.values(import.meta.glob<ViewerModule>("../viewer/index.ts"));

export async function loadViewer(): Promise<ViewerModule> {
  if (load === undefined) {
    throw new Error("this build of the page has no viewer");
  }
  return load();
}
