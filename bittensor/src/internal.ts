/** Parts of the chain's wire format that the repository's tests compare with recordings of a real node. */
export { parseExtrinsic } from "./chain/local-node/extrinsic.ts";
export { compact, littleEndian, loadRuntime } from "./chain/local-node/scale.ts";
export { keyOf, parseKey, prefixOf } from "./chain/local-node/storage-key.ts";
export { decodeNeuronsLite } from "./chain/subtensor/neurons-lite.ts";
