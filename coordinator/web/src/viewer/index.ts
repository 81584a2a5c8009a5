export { checkSize } from "./asset.ts";
export { drawContactSheet } from "./contact-sheet.ts";
export { mountViewer } from "./viewer.ts";
