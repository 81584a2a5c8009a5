export {
  type Dispatch,
  type Dispatchable,
  type DispatchOptions,
  defaultDispatchTries,
  startDispatch,
} from "./dispatch.ts";
