export { type AssetFiles, openAssetFiles } from "./asset-files.ts";
export { openNonceStore } from "./nonces.ts";
export { openStore, type SqlValue, type Store, StoreError } from "./store.ts";
