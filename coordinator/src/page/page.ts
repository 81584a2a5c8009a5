/**
 * The web page over plain HTTP: its built files, and its document under each of the addresses that the page knows.
 *
 * B1 Nothing else is answered: other paths stay with whoever has them, or are 404.
 * B2 Documents say which address is the page's own by `<base>`, relative to their own: the page works behind any prefix,
 *    also one that a proxy takes away.
 * B3 Scripts, styles and data come from here alone, nothing inline; nobody frames the page but for the viewer's own
 *    document, which is made for that.
 */
import {
  compressed,
  formFor,
  type HttpApp,
  type HttpContext,
  HttpError,
  isKnown,
  readFolder,
  type ServedFile,
  servedFile,
} from "@turntable/process";

export interface PageOptions {
  /** Where the built page lies. */
  readonly folder: string;
  /** Where browsers find it: begins and ends with a slash. */
  readonly path: string;
}

/** The page's own addresses, relative to its path; each is answered with the document. */
const addresses = [
  "",
  "tasks",
  "tasks/:id",
  "miners/:hotkey",
  "try",
  "viewer",
  "operator",
] as const;
/** The viewer's own document, for `<iframe>`. */
const embedded = "embed";
/** The folder of files that have a hash of their content in their names. */
const hashedFolder = "assets";
/** What stands in a document's `<base>`, and is replaced (B2). */
const ownBase = '<base href="./" />';

const yearS = 31_536_000;

/** Attaches the page. Its files are read with the first request, and looked for again while they are not there. */
export function attachPage(app: HttpApp, { folder, path }: PageOptions): void {
  let reading: ReturnType<typeof readFolder> | undefined;
  const current = async (): Promise<ReadonlyMap<string, ServedFile>> => {
    reading ??= readFolder(folder);
    const files = await reading.catch((error: unknown) => {
      reading = undefined;
      throw error;
    });
    if (files?.has("index.html") !== true) {
      reading = undefined;
      throw new HttpError(
        503,
        "no-page",
        "the web page is not built: run `npm run build -w coordinator/web` in the repository, or start the coordinator with --page-enabled false",
      );
    }
    return files;
  };
  const documents = new Map<string, ServedFile>();
  /** Compressed once, for all who ask. */
  const smaller = new Map<ServedFile, Promise<ServedFile>>();
  const answer = async (context: HttpContext, file: ServedFile): Promise<Response> => {
    const made = smaller.get(file) ?? compressed(file);
    smaller.set(file, made);
    return answerWith(context, await made);
  };
  const documentOf = async (name: string, depth: number): Promise<ServedFile> => {
    const file = (await current()).get(name);
    if (file === undefined) {
      throw new HttpError(404, "not-found", `this build of the page has no ${name}`);
    }
    const key = `${depth} ${name}`;
    const made = documents.get(key) ?? withBase(file, depth);
    documents.set(key, made);
    return made;
  };
  const answerDocument =
    (name: string) =>
    async (context: HttpContext): Promise<Response> => {
      const depth = pathOf(context).slice(path.length).split("/").length - 1;
      return answer(context, await documentOf(name, depth));
    };

  for (const address of addresses) {
    if (path === "/" || address !== "") {
      app.get(`${path}${address}`, answerDocument("index.html"));
    }
  }
  if (path !== "/") {
    app.get(path.slice(0, -1), async (context) =>
      // Without its last slash the page's links would lead beside it.
      pathOf(context).endsWith("/")
        ? await answerDocument("index.html")(context)
        : context.redirect(`${path.split("/").at(-2)}/`, 308),
    );
  }
  app.get(`${path}${embedded}`, answerDocument(`${embedded}.html`));
  app.get(`${path}${hashedFolder}/:name`, async (context) => {
    const name = `${hashedFolder}/${context.req.param("name")}`;
    const file = (await current()).get(name);
    if (file === undefined) {
      throw new HttpError(404, "not-found", `the page has no ${name}: load it again`);
    }
    return answer(context, file);
  });
  // What lies beside the documents, such as the icon.
  app.get(`${path}:name{[\\w-]+\\.(?:svg|js|css|ico|png|txt|webmanifest)}`, async (context) => {
    const name = context.req.param("name") ?? "";
    const file = (await current()).get(name);
    if (file === undefined) {
      throw new HttpError(404, "not-found", `the page has no ${name}`);
    }
    return answer(context, file);
  });
}

/** With its last slash, if it has one. */
const pathOf = (context: HttpContext): string => new URL(context.req.url).pathname;

function answerWith(context: HttpContext, file: ServedFile): Response {
  const form = formFor(file, context.req.header("accept-encoding"));
  const all = {
    ...headersOf(file.name),
    etag: form.etag,
    vary: "accept-encoding",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
  };
  if (isKnown(form, context.req.header("if-none-match"))) {
    return new Response(null, { status: 304, headers: all });
  }
  return new Response(form.bytes, {
    headers: {
      ...all,
      "content-type": file.contentType,
      "content-length": String(form.bytes.length),
      ...(form.encoding === undefined ? {} : { "content-encoding": form.encoding }),
    },
  });
}

/** What goes with a file beside its bytes. */
function headersOf(name: string): Readonly<Record<string, string>> {
  if (name.startsWith(`${hashedFolder}/`)) {
    return { "cache-control": `public, max-age=${yearS}, immutable` };
  }
  const asked = { "cache-control": "no-cache" };
  if (!name.endsWith(".html")) {
    return asked;
  }
  const frameAncestors = name === `${embedded}.html` ? "*" : "'none'";
  return { ...asked, "content-security-policy": policyOf(frameAncestors) };
}

/** B3 */
function policyOf(frameAncestors: string): string {
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'", // the viewer decodes and draws in WebAssembly
    "worker-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "frame-src 'self'",
    "base-uri 'self'",
    "form-action 'none'",
    `frame-ancestors ${frameAncestors}`,
  ].join("; ");
}

/** B2 */
function withBase(file: ServedFile, depth: number): ServedFile {
  const plain = file.forms.find(({ encoding }) => encoding === undefined);
  const text = Buffer.from(plain?.bytes ?? []).toString("utf8");
  const based = text.replace(ownBase, `<base href="${"../".repeat(depth) || "./"}" />`);
  const bytes = new Uint8Array(Buffer.from(based));
  return servedFile(file.name, bytes);
}
