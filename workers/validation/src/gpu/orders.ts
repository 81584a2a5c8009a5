/** What a process that works on a device says to the one that started it; it is told `Order`s. */

/** `ready` once, first; then one answer an order. */
export type ProcessMessage<Ready, Answer, Code> =
  | { readonly kind: "ready"; readonly ready: Ready }
  | { readonly kind: "answer"; readonly id: number; readonly answer: Answer }
  /** This order cannot be carried out; others are welcome. */
  | {
      readonly kind: "refused";
      readonly id: number;
      readonly code: Code;
      readonly message: string;
    }
  /** The process is of no more use. */
  | { readonly kind: "failed"; readonly code: Code; readonly message: string };

export interface Order<Request> {
  readonly id: number;
  readonly request: Request;
}
