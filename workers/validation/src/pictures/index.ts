export { encodeContactSheet, type SheetView, writeContactSheet } from "./contact-sheet.ts";
export { encodePng, PictureError, readPng, writePng } from "./png.ts";
export {
  encodeGrid,
  encodeQuarters,
  encodeTurntable,
  frontView,
  gridViews,
  turntableViews,
} from "./preview.ts";
