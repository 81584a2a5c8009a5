/**
 * A minimal runtime of our own, for tests that need no file from elsewhere: what a neuron reads and calls, in the layout
 * and under the names of the real one.
 */
import { metadataBytes } from "./scale.ts";

type Field = readonly [name: string | null, type: number];

/** Collects types and gives them numbers. */
function createTypes() {
  const types: { id: number; type: unknown }[] = [];
  const add = (
    def: Readonly<Record<string, unknown>>,
    path: readonly string[] = [],
    params: readonly unknown[] = [],
  ): number => {
    types.push({ id: types.length, type: { path, params, def, docs: [] } });
    return types.length - 1;
  };
  const fieldsOf = (fields: readonly Field[]) =>
    fields.map(([name, type]) => ({ name, type, typeName: null, docs: [] }));
  return {
    types,
    primitive: (name: string) => add({ Primitive: name }),
    sequence: (type: number) => add({ Sequence: { type } }),
    array: (len: number, type: number) => add({ Array: { len, type } }),
    tuple: (...parts: readonly number[]) => add({ Tuple: parts }),
    compact: (type: number) => add({ Compact: { type } }),
    composite: (path: string, fields: readonly Field[], params: readonly unknown[] = []) =>
      add({ Composite: { fields: fieldsOf(fields) } }, path.split("::"), params),
    variant: (
      path: string,
      variants: readonly (readonly [name: string, index: number, fields?: readonly Field[]])[],
      params: readonly unknown[] = [],
    ) =>
      add(
        {
          Variant: {
            variants: variants.map(([name, index, fields = []]) => ({
              name,
              index,
              fields: fieldsOf(fields),
              docs: [],
            })),
          },
        },
        path.split("::"),
        params,
      ),
    option(type: number): number {
      return this.variant(
        "Option",
        [
          ["None", 0],
          ["Some", 1, [[null, type]]],
        ],
        [{ name: "T", type }],
      );
    },
  };
}

/** Names of errors with the numbers that this runtime gives them; a client must read them from here. */
const errors = [
  "CanNotSetRootNetworkWeights",
  "CommitRevealDisabled",
  "CommitRevealEnabled",
  "CommittingWeightsTooFast",
  "DuplicateUids",
  "HotKeyNotRegisteredInNetwork",
  "HotKeyNotRegisteredInSubNet",
  "IncorrectCommitRevealVersion",
  "IncorrectWeightVersionKey",
  "InvalidIpAddress",
  "InvalidIpType",
  "InvalidPort",
  "InvalidRevealRound",
  "MaxWeightExceeded",
  "MechanismDoesNotExist",
  "NeuronNoValidatorPermit",
  "NotEnoughStakeToSetWeights",
  "ServingRateLimitExceeded",
  "SettingWeightsTooFast",
  "SubnetNotExists",
  "TooManyUnrevealedCommits",
  "UidVecContainInvalidOne",
  "UidsLengthExceedUidsInSubNet",
  "WeightVecLengthIsLow",
  "WeightVecNotEqualSize",
];

export interface OwnMetadata {
  readonly v14: Uint8Array;
  readonly v15: Uint8Array;
}

export interface OwnMetadataOptions {
  /** Added to the number of every error, as upgrades of the real runtime do. */
  readonly errorShift?: number;
}

export function createOwnMetadata({ errorShift = 0 }: OwnMetadataOptions = {}): OwnMetadata {
  const t = createTypes();
  const [u8, u16, u32, u64, u128, bool] = ["U8", "U16", "U32", "U64", "U128", "Bool"].map((name) =>
    t.primitive(name),
  ) as [number, number, number, number, number, number]; // six names, six numbers
  const bytes32 = t.array(32, u8);
  const bytes64 = t.array(64, u8);
  const accountId = t.composite("sp_core::crypto::AccountId32", [[null, bytes32]]);
  const h256 = t.composite("primitive_types::H256", [[null, bytes32]]);
  const bytes = t.sequence(u8);
  const [c16, c32, c64] = [u16, u32, u64].map((type) => t.compact(type)) as [
    number,
    number,
    number,
  ]; // three each
  const unit = t.tuple();
  const [vecU16, vecU64, vecBool] = [u16, u64, bool].map((type) => t.sequence(type)) as [
    number,
    number,
    number,
  ]; // three each

  const multiAddress = t.variant(
    "sp_runtime::multiaddress::MultiAddress",
    [
      ["Id", 0, [[null, accountId]]],
      ["Index", 1, [[null, t.compact(unit)]]],
      ["Raw", 2, [[null, bytes]]],
      ["Address32", 3, [[null, bytes32]]],
    ],
    [
      { name: "AccountId", type: accountId },
      { name: "AccountIndex", type: unit },
    ],
  );
  const signature = t.variant("sp_runtime::MultiSignature", [
    ["Ed25519", 0, [[null, bytes64]]],
    ["Sr25519", 1, [[null, bytes64]]],
  ]);
  const accountData = t.composite("pallet_balances::types::AccountData", [
    ["free", u64],
    ["reserved", u64],
    ["frozen", u64],
    ["flags", u128],
  ]);
  const accountInfo = t.composite("frame_system::AccountInfo", [
    ["nonce", u32],
    ["consumers", u32],
    ["providers", u32],
    ["sufficients", u32],
    ["data", accountData],
  ]);
  const weight = t.composite("sp_weights::weight_v2::Weight", [
    ["ref_time", c64],
    ["proof_size", c64],
  ]);
  const dispatchClass = t.variant("frame_support::dispatch::DispatchClass", [
    ["Normal", 0],
    ["Operational", 1],
    ["Mandatory", 2],
  ]);
  const pays = t.variant("frame_support::dispatch::Pays", [
    ["Yes", 0],
    ["No", 1],
  ]);
  const dispatchInfo = t.composite("frame_support::dispatch::DispatchInfo", [
    ["weight", weight],
    ["class", dispatchClass],
    ["pays_fee", pays],
  ]);
  const moduleError = t.composite("sp_runtime::ModuleError", [
    ["index", u8],
    ["error", t.array(4, u8)],
  ]);
  const dispatchError = t.variant("sp_runtime::DispatchError", [
    ["Other", 0],
    ["CannotLookup", 1],
    ["BadOrigin", 2],
    ["Module", 3, [[null, moduleError]]],
  ]);
  const systemEvent = t.variant("frame_system::pallet::Event", [
    ["ExtrinsicSuccess", 0, [["dispatch_info", dispatchInfo]]],
    [
      "ExtrinsicFailed",
      1,
      [
        ["dispatch_error", dispatchError],
        ["dispatch_info", dispatchInfo],
      ],
    ],
  ]);
  const subtensorEvent = t.variant("pallet_subtensor::pallet::Event", [
    [
      "WeightsSet",
      0,
      [
        [null, u16],
        [null, u16],
      ],
    ],
    [
      "AxonServed",
      1,
      [
        [null, u16],
        [null, accountId],
      ],
    ],
    [
      "TimelockedWeightsCommitted",
      2,
      [
        [null, accountId],
        [null, u16],
        [null, h256],
        [null, u64],
      ],
    ],
    [
      "TimelockedWeightsRevealed",
      3,
      [
        [null, u16],
        [null, accountId],
      ],
    ],
  ]);
  const event = t.variant("node_subtensor_runtime::RuntimeEvent", [
    ["System", 0, [[null, systemEvent]]],
    ["SubtensorModule", 7, [[null, subtensorEvent]]],
  ]);
  const phase = t.variant("frame_system::Phase", [
    ["ApplyExtrinsic", 0, [[null, u32]]],
    ["Finalization", 1],
    ["Initialization", 2],
  ]);
  const eventRecord = t.composite(
    "frame_system::EventRecord",
    [
      ["phase", phase],
      ["event", event],
      ["topics", t.sequence(h256)],
    ],
    [
      { name: "E", type: event },
      { name: "T", type: h256 },
    ],
  );
  const systemCall = t.variant("frame_system::pallet::Call", [["remark", 0, [["remark", bytes]]]]);
  const subtensorCall = t.variant("pallet_subtensor::pallet::Call", [
    [
      "set_weights",
      0,
      [
        ["netuid", u16],
        ["dests", vecU16],
        ["weights", vecU16],
        ["version_key", u64],
      ],
    ],
    [
      "serve_axon",
      4,
      [
        ["netuid", u16],
        ["version", u32],
        ["ip", u128],
        ["port", u16],
        ["ip_type", u8],
        ["protocol", u8],
        ["placeholder1", u8],
        ["placeholder2", u8],
      ],
    ],
    [
      "commit_timelocked_weights",
      113,
      [
        ["netuid", u16],
        ["commit", bytes],
        ["reveal_round", u64],
        ["commit_reveal_version", u16],
      ],
    ],
    [
      "commit_timelocked_mechanism_weights",
      118,
      [
        ["netuid", u16],
        ["mecid", u8],
        ["commit", bytes],
        ["reveal_round", u64],
        ["commit_reveal_version", u16],
      ],
    ],
    [
      "set_mechanism_weights",
      119,
      [
        ["netuid", u16],
        ["mecid", u8],
        ["dests", vecU16],
        ["weights", vecU16],
        ["version_key", u64],
      ],
    ],
  ]);
  const call = t.variant("node_subtensor_runtime::RuntimeCall", [
    ["System", 0, [[null, systemCall]]],
    ["SubtensorModule", 7, [[null, subtensorCall]]],
  ]);
  const systemError = t.variant("frame_system::pallet::Error", [["InvalidSpecName", 0]]);
  const subtensorError = t.variant(
    "pallet_subtensor::pallet::Error",
    errors.map((name, index) => [name, index + errorShift] as const),
  );
  const error = t.variant("node_subtensor_runtime::RuntimeError", [
    ["System", 0, [[null, systemError]]],
    ["SubtensorModule", 7, [[null, subtensorError]]],
  ]);
  const era = t.variant("sp_runtime::generic::era::Era", [
    ["Immortal", 0],
    ...Array.from(
      { length: 255 },
      (_, index) => [`Mortal${index + 1}`, index + 1, [[null, u8]]] as const,
    ),
  ]);
  const mode = t.variant("frame_metadata_hash_extension::Mode", [
    ["Disabled", 0],
    ["Enabled", 1],
  ]);
  const axonInfo = t.composite("pallet_subtensor::pallet::AxonInfo", [
    ["block", u64],
    ["version", u32],
    ["ip", u128],
    ["port", u16],
    ["ip_type", u8],
    ["protocol", u8],
    ["placeholder1", u8],
    ["placeholder2", u8],
  ]);
  const optionOf = (type: number): number => t.option(type);
  const metagraph = t.composite("pallet_subtensor::rpc_info::metagraph::SelectiveMetagraph", [
    ["netuid", c16],
    ["block", optionOf(c64)],
    ["num_uids", optionOf(c16)],
    ["hotkeys", optionOf(t.sequence(accountId))],
    ["coldkeys", optionOf(t.sequence(accountId))],
    ["axons", optionOf(t.sequence(axonInfo))],
    ["validator_permit", optionOf(vecBool)],
    ["last_update", optionOf(t.sequence(c64))],
    ["incentives", optionOf(t.sequence(c16))],
    ["total_stake", optionOf(t.sequence(c64))],
  ]);
  const extrinsic = t.composite(
    "sp_runtime::generic::UncheckedExtrinsic",
    [[null, bytes]],
    [
      { name: "Address", type: multiAddress },
      { name: "Call", type: call },
      { name: "Signature", type: signature },
      { name: "Extra", type: unit },
    ],
  );

  const plain = (name: string, value: number) => ({
    name,
    modifier: "Default",
    type: { Plain: value },
    fallback: "0x",
    docs: [],
  });
  const map = (
    name: string,
    keys: readonly (readonly [hasher: string, type: number])[],
    value: number,
    modifier = "Default",
    fallback = "0x00",
  ) => ({
    name,
    modifier,
    fallback,
    docs: [],
    type: {
      Map: {
        hashers: keys.map(([hasher]) => hasher),
        key: keys.length === 1 ? keys[0]?.[1] : t.tuple(...keys.map(([, type]) => type)),
        value,
      },
    },
  });
  const netuid = ["Identity", u16] as const;
  const account = ["Blake2_128Concat", accountId] as const;
  const zero = (length: number) => `0x${"00".repeat(length)}`;
  const system = {
    name: "System",
    index: 0,
    storage: {
      prefix: "System",
      items: [
        map("Account", [account], accountInfo, "Default", zero(48)),
        plain("Events", t.sequence(eventRecord)),
        plain("Number", u32),
      ],
    },
    calls: { type: systemCall },
    events: { type: systemEvent },
    errors: { type: systemError },
    constants: [
      { name: "BlockHashCount", type: u32, value: "0x60090000", docs: [] },
      { name: "SS58Prefix", type: u16, value: "0x2a00", docs: [] },
    ],
    docs: [],
  };
  const subtensor = {
    name: "SubtensorModule",
    index: 7,
    storage: {
      prefix: "SubtensorModule",
      items: [
        map("Uids", [netuid, account], u16, "Optional"),
        map("Keys", [netuid, ["Identity", u16]], accountId, "Default", zero(32)),
        map("IsNetworkMember", [account, netuid], bool),
        map("NetworksAdded", [netuid], bool),
        map("Axons", [netuid, account], axonInfo, "Optional"),
        map("LastUpdate", [netuid], vecU64),
        map("ValidatorPermit", [netuid], vecBool),
        ...[
          "Tempo",
          "SubnetworkN",
          "MinAllowedWeights",
          "MaxWeightsLimit",
          "MaxAllowedUids",
          "ImmunityPeriod",
        ].map((name) => map(name, [netuid], u16, "Default", zero(2))),
        ...[
          "WeightsSetRateLimit",
          "WeightsVersionKey",
          "ServingRateLimit",
          "BlocksSinceLastStep",
          "LastEpochBlock",
          "PendingEpochAt",
          "SubnetEpochIndex",
        ].map((name) => map(name, [netuid], u64, "Default", zero(8))),
        map("CommitRevealWeightsEnabled", [netuid], bool),
        map("RevealPeriodEpochs", [["Twox64Concat", u16]], u64, "Default", "0x0100000000000000"),
        { ...plain("CommitRevealWeightsVersion", u16), fallback: "0x0400" },
        { ...plain("StakeThreshold", u64), fallback: zero(8) },
      ],
    },
    calls: { type: subtensorCall },
    events: { type: subtensorEvent },
    errors: { type: subtensorError },
    constants: [],
    docs: [],
  };
  const signedExtensions = (
    [
      ["CheckNonZeroSender", unit, unit],
      ["CheckSpecVersion", unit, u32],
      ["CheckTxVersion", unit, u32],
      ["CheckGenesis", unit, h256],
      ["CheckMortality", era, h256],
      ["CheckNonce", c32, unit],
      ["CheckWeight", unit, unit],
      ["ChargeTransactionPayment", c64, unit],
      ["CheckMetadataHash", mode, optionOf(h256)],
    ] as const
  ).map(([identifier, type, additionalSigned]) => ({ identifier, type, additionalSigned }));
  const method = (
    name: string,
    inputs: readonly (readonly [string, number])[],
    output: number,
  ) => ({
    name,
    inputs: inputs.map(([input, type]) => ({ name: input, type })),
    output,
    docs: [],
  });
  const apis = [
    {
      name: "SubnetInfoRuntimeApi",
      docs: [],
      methods: [
        method(
          "get_selective_metagraph",
          [
            ["netuid", u16],
            ["metagraph_indexes", vecU16],
          ],
          optionOf(metagraph),
        ),
      ],
    },
    {
      name: "AccountNonceApi",
      docs: [],
      methods: [method("account_nonce", [["account", accountId]], u32)],
    },
  ];
  const runtime = t.composite("node_subtensor_runtime::Runtime", []);
  // Nothing may add a type below this line: the table is complete.
  const lookup = { types: t.types };
  return {
    v14: metadataBytes(14, {
      lookup,
      pallets: [system, subtensor].map(({ docs: _, ...pallet }) => pallet),
      extrinsic: { type: extrinsic, version: 4, signedExtensions },
      type: runtime,
    }),
    v15: metadataBytes(15, {
      lookup,
      pallets: [system, subtensor],
      extrinsic: {
        version: 4,
        addressType: multiAddress,
        callType: call,
        signatureType: signature,
        extraType: unit,
        signedExtensions,
      },
      type: runtime,
      apis,
      outerEnums: { callType: call, eventType: event, errorType: error },
      custom: { map: [] },
    }),
  };
}
