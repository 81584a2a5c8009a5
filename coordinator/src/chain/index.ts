export { type AxonAnnouncement, startAnnouncing } from "./announce.ts";
export { type CoordinatorChain, createEventualChain } from "./eventual-chain.ts";
export {
  followRegistrations,
  type RegistrationMemory,
  type RegistrationOptions,
  type Registrations,
} from "./registrations.ts";
