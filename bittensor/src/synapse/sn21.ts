/** Subnet 21's storage, where validators of 2024 kept accepted results. The body hash covers these bodies. */
import { int, list, nullable, required, str, withDefault } from "./field.ts";
import { defineSynapse } from "./synapse.ts";

/** Stores `encrypted_data`; the answer's `data_hash` is the content id. */
export const storeUser = defineSynapse(
  "StoreUser",
  {
    encrypted_data: required(str),
    encryption_payload: required(str),
    data_hash: withDefault(nullable(str), null),
    /** Seconds to live. */
    ttl: withDefault(nullable(int), null),
    // These classes declare the list as a field, so it travels in the body.
    required_hash_fields: withDefault(list(str), ["encrypted_data", "encryption_payload"]),
  },
  {
    hashed: ["encrypted_data", "encryption_payload"],
    timeoutS: 120,
    maxBodyBytes: 128 << 20,
    blanked: ["encrypted_data"],
  },
);

export const retrieveUser = defineSynapse(
  "RetrieveUser",
  {
    data_hash: required(str),
    encrypted_data: withDefault(nullable(str), null),
    encryption_payload: withDefault(nullable(str), null),
    required_hash_fields: withDefault(list(str), ["data_hash"]),
  },
  { hashed: ["data_hash"], timeoutS: 300, maxBodyBytes: 128 << 20 },
);
