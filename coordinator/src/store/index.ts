export { type AssetFiles, openAssetFiles } from "./asset-files.ts";
export { createKnownHotkeys, type KnownHotkeys } from "./known-hotkeys.ts";
export { openNonceStore } from "./nonces.ts";
export {
  databaseName,
  openStore,
  openStoreReader,
  type SqlValue,
  type Store,
  type StoreReader,
} from "./store.ts";
export { StoreError } from "./store-error.ts";
