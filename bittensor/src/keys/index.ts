export {
  createHotkeyFile,
  type KeyFile,
  KeyFileError,
  keyFileText,
  loadHotkey,
  parseKeyFile,
  publicKeyFileText,
  readKeyFile,
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
  verifySignature,
} from "./keypair.ts";
export { isSs58, publicKeyOf, ss58Of } from "./ss58.ts";
