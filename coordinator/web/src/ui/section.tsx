import type { ComponentChildren } from "preact";

/** A titled part of a page. @param aside what stands at the title's other end */
export function Section({
  title,
  aside,
  children,
  wide = false,
}: {
  readonly title: string;
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
  readonly wide?: boolean;
}) {
  return (
    <section class={wide ? "card wide" : "card"} aria-label={title}>
      <header class="card-head">
        <h2>{title}</h2>
        {aside === undefined ? undefined : <div class="aside">{aside}</div>}
      </header>
      {children}
    </section>
  );
}

/** A number with its name, and what it means below. */
export function Figure({
  name,
  value,
  note,
}: {
  readonly name: string;
  readonly value: ComponentChildren;
  readonly note?: ComponentChildren;
}) {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd>
        <span class="figure-value">{value}</span>
        {note === undefined ? undefined : <span class="figure-note">{note}</span>}
      </dd>
    </div>
  );
}

/** A table that scrolls by itself where the screen is narrow; whoever uses the keyboard can scroll it, too. */
export function TableFrame({
  label,
  children,
}: {
  readonly label: string;
  readonly children: ComponentChildren;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard (axe: scrollable-region-focusable)
    <section class="table-frame" aria-label={`${label}, table`} tabIndex={0}>
      {children}
    </section>
  );
}
