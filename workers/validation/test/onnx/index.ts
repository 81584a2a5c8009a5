export {
  type Attribute,
  type ElementType,
  encodeModel,
  floats,
  type Graph,
  type Initializer,
  int64s,
  type Node,
  type ValueInfo,
} from "./model.ts";
