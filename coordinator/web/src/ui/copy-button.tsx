/** Puts a text onto the clipboard. */
import { useEffect, useState } from "preact/hooks";

const shownMs = 1_500;

export function CopyButton({
  text,
  what,
}: {
  readonly text: string /** For the label: `hotkey`. */;
  readonly what: string;
}) {
  const [state, setState] = useState<"ready" | "copied" | "failed">("ready");
  useEffect(() => {
    if (state !== "ready") {
      const timer = setTimeout(() => setState("ready"), shownMs);
      return () => clearTimeout(timer);
    }
  }, [state]);
  const copy = (): void => {
    writeClipboard(text).then(
      () => setState("copied"),
      () => setState("failed"),
    );
  };
  const words = { ready: "Copy", copied: "Copied", failed: "Select and copy it by hand" }[state];
  return (
    <button type="button" class="small" onClick={copy} aria-label={`${words}: ${what}`}>
      {words}
    </button>
  );
}

/** The clipboard's own interface is there on https and localhost only; pages behind plain http have the older one. */
async function writeClipboard(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) {
    return navigator.clipboard.writeText(text);
  }
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "off-screen";
  document.body.append(area);
  try {
    area.select();
    if (!document.execCommand("copy")) {
      throw new Error("the browser does not copy");
    }
  } finally {
    area.remove();
  }
}
