export { type AxonPlace, type OpenAxons, type OpenAxonsOptions, openAxons } from "./open-axons.ts";
