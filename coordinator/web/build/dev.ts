/**
 * `npm run dev -w coordinator/web [-- URL]`: the page from its sources, which reloads as they change, beside a subnet that
 * runs (`npm start`). The URL is that of its HTTP port when that is another than 127.0.0.1:9090.
 */
import { createServer } from "vite";
import { viteConfig } from "./vite.ts";

const server = await createServer({
  ...viteConfig,
  base: "/",
  logLevel: "info",
  plugins: [{ name: "base", transformIndexHtml: (html) => html.replace('href="./"', 'href="/"') }],
  server: {
    proxy: { "^/turntable\\.v1\\.": process.argv[2] ?? "http://127.0.0.1:9090" },
  },
});
await server.listen();
server.printUrls();
