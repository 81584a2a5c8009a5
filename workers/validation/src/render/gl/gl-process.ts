/** The process that draws for the `gl` backend. */
import { servePainter } from "../remote/serve-painter.ts";
import { createContext } from "./context.ts";
import { createPainter } from "./painter.ts";

await servePainter(() => createPainter(createContext()));
