export { type MinerAxonOptions, startMinerAxon } from "./miner-axon.ts";
export {
  createMinerProtocol,
  type MinerProtocol,
  type MinerProtocolOptions,
} from "./miner-protocol.ts";
