/** The chain's errors in words: what happened and what to do. The names are those of the runtime's metadata. */
const explanations: Readonly<Record<string, string>> = {
  CanNotSetRootNetworkWeights: "subnet 0 takes no weights in this way",
  CommitRevealDisabled: "this subnet takes weights in the open: set them instead of committing",
  CommitRevealEnabled: "this subnet takes encrypted weights only: commit them",
  CommittingWeightsTooFast: "weights were committed too recently: wait for the subnet's rate limit",
  DuplicateUids: "a uid occurs twice among the weights",
  HotKeyNotRegisteredInNetwork: "the hotkey is registered on no subnet: register it first",
  HotKeyNotRegisteredInSubNet: "the hotkey is not registered on this subnet: register it first",
  IncorrectCommitRevealVersion:
    "the chain expects another version of commits: update this software",
  IncorrectWeightVersionKey:
    "the version key is below the subnet's: update the validator or raise its version key",
  InvalidIpAddress:
    "the chain refuses this address (0.0.0.0, 127.0.0.1 and broadcast are not allowed): give one that others can reach",
  InvalidIpType: "the address is neither IPv4 nor IPv6",
  InvalidPort: "port 0 can't be served",
  InvalidRevealRound: "the reveal round has passed: commit again",
  MaxWeightExceeded: "one weight has a larger share than the subnet allows",
  MechanismDoesNotExist: "the subnet has no such mechanism",
  NeuronNoValidatorPermit:
    "the hotkey has no validator permit: it needs more stake than the weakest permitted validator, and an epoch",
  NotEnoughStakeToSetWeights: "the hotkey's stake is below what the chain asks for weights",
  ServingRateLimitExceeded: "an axon was announced too recently: wait for the subnet's rate limit",
  SettingWeightsTooFast: "weights were set too recently: wait for the subnet's rate limit",
  SubnetNotExists: "there is no such subnet",
  TooManyUnrevealedCommits:
    "ten commits of this epoch wait for their reveal: wait for the next epoch",
  UidVecContainInvalidOne: "a uid is not registered: read the metagraph again",
  UidsLengthExceedUidsInSubNet: "there are more weights than neurons: read the metagraph again",
  WeightVecLengthIsLow: "fewer weights than the subnet asks for",
  WeightVecNotEqualSize: "as many uids as weights are needed",
};

export function explainError(name: string): string {
  return explanations[name] ?? `the chain refused with ${name}`;
}
