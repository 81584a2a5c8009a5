/** What others see of a coordinator that leads or stands by. */

export type StandbyEvent =
  /** It follows another one from this entry of the log on. */
  | { readonly kind: "following"; readonly position: number; readonly leader: string }
  /** The database was restored from a copy, since the one that was there could not go on. */
  | { readonly kind: "restored"; readonly position: number; readonly reason: string }
  /** It has taken the lead. */
  | {
      readonly kind: "leading";
      readonly position: number;
      /** Who led before; empty when nobody did. */
      readonly before: string;
      /** Since the lease was last seen renewed, in ms; 0 when it was given back or never held. */
      readonly silentMs: number;
    }
  /** A copy of the database was stored, and the log before it removed. */
  | { readonly kind: "copied"; readonly position: number; readonly bytes: number }
  /** It gave the lease back. */
  | { readonly kind: "released" }
  /** Something failed and is tried again. */
  | { readonly kind: "trouble"; readonly what: string; readonly error: unknown };

export interface StandbyView {
  /** Of this coordinator, as in the lease. */
  readonly name: string;
  /** Who leads, as far as is known here; undefined before anybody did. */
  leader(): string | undefined;
  isLeading(): boolean;
  /** Since the lease was renewed, by its holder or as seen by who stands by; ms, undefined when it never was. */
  leaseAgeMs(): number | undefined;
  /** The last entry of the log that is in this database. */
  position(): number;
  /** Entries of the log that are not in this database yet; 0 while it leads. */
  lag(): number;
  /** Assets that are not here yet, or, while it leads, not with the others yet. */
  missingAssets(): number;
}
