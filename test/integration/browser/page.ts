/** What the page of the test can be told to do. */
import { type Description, describeAsset } from "./describe-splat.ts";

/** @param path of a file that the page's server has */
export async function describeFile(path: string, format?: string): Promise<Description> {
  const response = await fetch(path);
  return await describeAsset(new Uint8Array(await response.arrayBuffer()), format);
}
