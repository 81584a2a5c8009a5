/** A text to be copied whole. */
import { CopyButton } from "./copy-button.tsx";

export function CodeBlock({ code, what }: { readonly code: string; readonly what: string }) {
  return (
    <div class="code">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="code-text" aria-label={what} tabIndex={0}>
        <pre>{code}</pre>
      </section>
      <CopyButton text={code} what={what} />
    </div>
  );
}
