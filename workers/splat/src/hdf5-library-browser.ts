/**
 * The HDF5 library in a browser, in the thread that asks: whoever reads files of strangers does so in a Web Worker of
 * their own that can be ended, which is also what limits the time.
 */
import { answerHere, type Hdf5Answer, type Hdf5Request } from "./hdf5-answer.ts";
import { AssetError } from "./splat.ts";

/**
 * Memory is limited as on Node, time is not.
 * @throws AssetError
 */
export async function askLibrary(
  request: Hdf5Request,
  _maxCpuMs: number,
  signal: AbortSignal | undefined,
): Promise<Exclude<Hdf5Answer, { kind: "error" }>> {
  signal?.throwIfAborted();
  const answer = await answerHere(request).catch((cause: unknown) => {
    throw new AssetError("malformed", "the HDF5 library could not cope with the file", { cause });
  });
  if (answer.kind === "error") {
    throw new AssetError(answer.code, answer.message);
  }
  return answer;
}
