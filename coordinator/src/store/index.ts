export { type AssetFiles, openAssetFiles } from "./asset-files.ts";
export { openNonceStore } from "./nonces.ts";
export { openStore, type SqlValue, type Store } from "./store.ts";
export { StoreError } from "./store-error.ts";
