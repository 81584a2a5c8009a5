export { type AssetFiles, openAssetFiles, type SavedAsset } from "./asset-files.ts";
export { createDiskSpace, type DiskSpace } from "./disk-space.ts";
export { openNonceStore } from "./nonces.ts";
export { openStore, type SqlValue, type Store } from "./store.ts";
export { StorageFullError, StoreError } from "./store-error.ts";
