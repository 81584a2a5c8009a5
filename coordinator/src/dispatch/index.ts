export {
  type Dispatch,
  type Dispatchable,
  type DispatchOptions,
  startDispatch,
} from "./dispatch.ts";
