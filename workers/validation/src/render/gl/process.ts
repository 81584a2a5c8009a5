/** The process that draws for the `gl` backend. */
import { serveOrders } from "../device/serve.ts";
import { createContext } from "./context.ts";
import { createPainter } from "./painter.ts";

await serveOrders(() => createPainter(createContext()));
