export { type AxonAnnouncement, announceAxon } from "./announce.ts";
export {
  followRegistrations,
  type RegistrationOptions,
  type Registrations,
} from "./registrations.ts";
