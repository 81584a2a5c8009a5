/** The thread that opens large bodies. */
import { openBody, transferOf } from "./open-body.ts";
import { serveThread } from "./threads.ts";

serveThread(openBody, transferOf);
