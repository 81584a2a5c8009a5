export { encodeContactSheet, type SheetView, writeContactSheet } from "./contact-sheet.ts";
export { encodePng, writePng } from "./png.ts";
