export { type AssetFiles, openAssetFiles, type SavedAsset } from "./asset-files.ts";
export { type Backup, backUpStore, copyDatabase } from "./backup.ts";
export { type CheckReport, type CheckResult, checkStore } from "./check.ts";
export { createDiskSpace, type DiskSpace } from "./disk-space.ts";
export { exportedTables, exportStore } from "./export.ts";
export { createKnownHotkeys, type KnownHotkeys } from "./known-hotkeys.ts";
export { openNonceStore } from "./nonces.ts";
export {
  type KeysReader,
  openKeysReader,
  openReplica,
  type Replica,
  type ReplicaPlace,
  readPlace,
  writePlace,
} from "./replica.ts";
export { coordinatorMigrations, currentSchema, keyRow } from "./schema.ts";
export {
  databaseName,
  openKeyStore,
  openStore,
  openStoreInMemory,
  openStoreReader,
  type Recording,
  type SqlValue,
  type Store,
  type StoreReader,
} from "./store.ts";
export { NotReplicatedError, StorageFullError, StoreError } from "./store-error.ts";
