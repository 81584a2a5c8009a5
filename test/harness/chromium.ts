/** The browser that tests run pages in. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const executablePath = "/usr/bin/chromium";

/** Why no page can be run here, or false; for `skip`. */
export const chromiumMissing: string | false = existsSync(executablePath)
  ? false
  : `no ${executablePath}: apt-get install --no-install-recommends chromium`;

/** Headless, with WebGL in software. */
export function launchChromium(): Promise<Browser> {
  const args = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"];
  return chromium.launch({ executablePath, args });
}
