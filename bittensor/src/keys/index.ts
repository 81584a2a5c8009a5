export {
  decryptKeyFile,
  type Encryption,
  encryptionOf,
  encryptKeyFile,
} from "./encryption.ts";
export {
  createHotkeyFile,
  type KeyFile,
  KeyFileError,
  keyFileText,
  parseKeyFile,
  publicKeyFileText,
  secretsIn,
  writeKeyFile,
} from "./key-file.ts";
export {
  createMnemonic,
  KeyError,
  type Keypair,
  keypairFromMnemonic,
  keypairFromSecret,
  keypairFromSeed,
  keypairFromUri,
  ready,
} from "./keypair.ts";
export { type Environment, passwordsIn, passwordValue, passwordVariable } from "./password.ts";
export { verifySignature } from "./signature.ts";
export { isSs58, publicKeyOf, ss58Of } from "./ss58.ts";
export { isSignedBy, readyToVerify, type SignedForm } from "./verify.ts";
export {
  ensureWalletFolders,
  type LoadHotkeyOptions,
  listWallets,
  loadHotkey,
  loadWalletKey,
  type OpenKeyOptions,
  openKeyFile,
  openKeyText,
  readPassword,
  type WalletFiles,
  type WalletPlace,
  type WalletSummary,
  walletFiles,
  walletPlace,
} from "./wallet.ts";
