/**
 * The number that stands for an SDK version on the wire: 100a+10b+c before 7.2.0 (so 6.10.0 and 7.0.0 are one), then
 * a·10⁶+b·10³+c.
 * @throws RangeError when the text is no version
 */
export function sdkVersionNumber(version: string): number {
  const [, a, b, c] = (/^(\d+)\.(\d+)\.(\d+)$/.exec(version) ?? []).map(Number);
  if (a === undefined || b === undefined || c === undefined) {
    throw new RangeError(`${JSON.stringify(version)} is no version such as 9.9.0`);
  }
  const isNewScheme = a > 7 || (a === 7 && b >= 2);
  return isNewScheme ? a * 1_000_000 + b * 1000 + c : a * 100 + b * 10 + c;
}
