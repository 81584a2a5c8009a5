export {
  type AuditEvent,
  type AuditOptions,
  type Audits,
  createAudits,
  defaultAudits,
  type OpenAudit,
} from "./audits.ts";
export { startQuarantine } from "./quarantine.ts";
export type { Quarantined } from "./shut-out.ts";
