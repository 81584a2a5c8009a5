/** A number with a bar behind it, for columns that are compared. */
export function Meter({
  share,
  text,
}: {
  /** 0 to 1 */ readonly share: number;
  readonly text: string;
}) {
  return (
    <span class="meter">
      <span class="meter-text">{text}</span>
      <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
        <rect class="track" width="100" height="6" />
        <rect class="fill" width={Math.max(0, Math.min(1, share)) * 100} height="6" />
      </svg>
    </span>
  );
}
