/** To the pages before and after of a list whose pages are found by tokens. */

/** @param tokens those of the pages that lead to the one that is shown; the last is its own */
export function Pager({
  what,
  tokens,
  next,
  onTurn,
}: {
  readonly what: string;
  readonly tokens: readonly string[];
  /** Of the page after; empty on the last one. */
  readonly next: string;
  readonly onTurn: (tokens: readonly string[]) => void;
}) {
  return tokens.length === 0 && next === "" ? undefined : (
    <nav class="pager" aria-label={`Pages of ${what}`}>
      <button
        type="button"
        disabled={tokens.length === 0}
        onClick={() => onTurn(tokens.slice(0, -1))}
      >
        Newer
      </button>
      <button type="button" disabled={next === ""} onClick={() => onTurn([...tokens, next])}>
        Older
      </button>
    </nav>
  );
}
