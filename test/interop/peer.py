"""A real Bittensor SDK at the other end of our tests: takes one JSON command a line, answers with one JSON line."""
import asyncio
import json
import os
import socket
import sys
import time
import traceback
from typing import List, Optional

# Answers have the real standard output for themselves; whatever the SDK prints goes to standard error.
answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)
sys.argv = sys.argv[:1]

import bittensor as bt  # noqa: E402
import bittensor.utils.networking as networking  # noqa: E402
import pydantic  # noqa: E402

# The constructors ask public services for the machine's address otherwise.
networking.get_external_ip = lambda: "198.51.100.9"

LEGACY = bt.__version__.startswith("6.")
Keypair = bt.Keypair if LEGACY else __import__("bittensor_wallet").Keypair
Axon = bt.axon if LEGACY else bt.Axon
Dendrite = bt.dendrite if LEGACY else bt.Dendrite
AxonInfo = bt.AxonInfo
if LEGACY:
    VERSION_INT = bt.__version_as_int__
else:
    from bittensor.core.settings import version_as_int as VERSION_INT


class Task(pydantic.BaseModel):
    id: str
    prompt: str


class Version(pydantic.BaseModel):
    major: int
    minor: int
    patch: int


class Feedback2024(pydantic.BaseModel):
    task_fidelity_score: float
    average_fidelity_score: float
    generations_within_8_hours: int
    current_miner_reward: float


class TextTask(pydantic.BaseModel):
    type: str = "text"
    id: str = ""
    prompt: str = ""


class Feedback2025(pydantic.BaseModel):
    validation_failed: bool = False
    task_fidelity_score: float = 0.0
    average_fidelity_score: float = 0.0
    generations_within_the_window: int = 0
    current_duel_rating: float = 0.0
    current_miner_reward: float = 0.0


def messages_2024():
    class PullTask(bt.Synapse):
        version: Optional[Version] = None
        task: Optional[Task] = None
        submit_before: int = 0

    class SubmitResults(bt.Synapse):
        task: Optional[Task] = None
        results: str
        submit_time: int
        signature: str
        feedback: Optional[Feedback2024] = None
        cooldown_until: int = 0

    class Generate(bt.Synapse):
        prompt: str
        task_id: Optional[str] = None
        polling_interval: int = 30

    class StatusCheck(bt.Synapse):
        task_id: str
        status: Optional[int] = None
        results: Optional[str] = None

    return [PullTask, SubmitResults, Generate, StatusCheck]


def messages_2025():
    class PullTask(bt.Synapse):
        task: Optional[TextTask] = None
        validation_threshold: float = 0.6
        throttle_period: int = 0
        cooldown_until: int = 0
        cooldown_violations: int = 0

    class SubmitResults(bt.Synapse):
        task: Optional[TextTask] = None
        task_id: str = ""
        results: str
        data_format: str = "ply"
        data_ver: int = 0
        compression: int = 2
        submit_time: int
        signature: str
        feedback: Optional[Feedback2025] = None
        cooldown_until: int = 0

    class GetVersion(bt.Synapse):
        version: int = 0
        validation_version: str = ""

    return [PullTask, SubmitResults, GetVersion]


def messages_storage():
    class StoreUser(bt.Synapse):
        encrypted_data: str
        encryption_payload: str
        data_hash: Optional[str] = None
        ttl: Optional[int] = None
        required_hash_fields: List[str] = pydantic.Field(
            ["encrypted_data", "encryption_payload"], title="Required Hash Fields"
        )

    class RetrieveUser(bt.Synapse):
        data_hash: str
        encrypted_data: Optional[str] = None
        encryption_payload: Optional[str] = None
        required_hash_fields: List[str] = pydantic.Field(["data_hash"], title="Required Hash Fields")

    return [StoreUser, RetrieveUser]


MESSAGES = {
    generation: {cls.__name__: cls for cls in (*make(), *messages_storage(), bt.Synapse)}
    for generation, make in (("2024", messages_2024), ("2025", messages_2025))
}


class HotkeyOnly:
    """As much of a wallet as an axon asks for."""

    def __init__(self, keypair):
        self.hotkey = keypair
        self.coldkeypub = keypair


def dumped(model):
    return json.loads(model.json() if hasattr(model, "json") and LEGACY else model.model_dump_json())


def told(synapse):
    return {
        "dendrite_status": synapse.dendrite.status_code,
        "dendrite_message": synapse.dendrite.status_message,
        "axon_status": synapse.axon.status_code,
        "is_success": synapse.is_success,
        "is_timeout": synapse.is_timeout,
        "is_blacklist": synapse.is_blacklist,
        "failed_verification": synapse.failed_verification,
        "synapse": dumped(synapse),
    }


def target_of(command):
    target = command["target"]
    return AxonInfo(
        version=1,
        ip=target["ip"],
        port=target["port"],
        ip_type=4,
        hotkey=target["hotkey"],
        coldkey=target["hotkey"],
    )


def hold_nonce(dendrite, command):
    """Makes the next calls use the given nonces instead of the clock's."""
    if "nonces" not in command:
        return
    nonces = iter(command["nonces"])
    original = dendrite.preprocess_synapse_for_request

    def preprocess(target_axon_info, synapse, timeout=12.0):
        real = time.monotonic_ns, time.time_ns
        nonce = next(nonces)
        time.monotonic_ns = time.time_ns = lambda: nonce
        try:
            return original(target_axon_info, synapse, timeout)
        finally:
            time.monotonic_ns, time.time_ns = real

    dendrite.preprocess_synapse_for_request = preprocess


async def call_axon(command):
    dendrite = Dendrite(wallet=Keypair.create_from_uri(command["uri"]))
    hold_nonce(dendrite, command)
    outcomes = []
    for _ in range(command.get("times", 1)):
        synapse = MESSAGES[command["generation"]][command["class"]](**command.get("fields", {}))
        answer = await dendrite.call(
            target_axon=target_of(command),
            synapse=synapse,
            timeout=command.get("timeout", 12.0),
            deserialize=False,
        )
        outcomes.append(told(answer))
    await dendrite.aclose_session()
    return outcomes


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_listening(port):
    """start() of an axon returns before its thread listens."""
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.01)


running = []


def serve(command):
    port = free_port()
    axon = Axon(
        wallet=HotkeyOnly(Keypair.create_from_uri(command["uri"])),
        ip="127.0.0.1",
        port=port,
        external_ip="198.51.100.9",
    )
    blocked = command.get("blacklist")
    failing = command.get("raise", False)
    replies = command.get("replies", {})

    def attach(cls):
        async def forward(synapse):
            if failing:
                raise RuntimeError("as asked")
            for name, value in replies.get(cls.__name__, {}).items():
                kind = (cls.__fields__[name].outer_type_ if LEGACY else cls.model_fields[name].annotation)
                options = getattr(kind, "__args__", (kind,))
                models = [one for one in options if hasattr(one, "__fields__")]
                setattr(synapse, name, models[0](**value) if models and value is not None else value)
            return synapse

        async def blacklist(synapse):
            return (True, blocked) if blocked else (False, "")

        async def priority(synapse):
            return 0.0

        forward.__annotations__ = {"synapse": cls, "return": cls}
        blacklist.__annotations__ = {"synapse": cls, "return": "typing.Tuple[bool, str]"}
        priority.__annotations__ = {"synapse": cls, "return": float}
        from typing import Tuple

        blacklist.__annotations__["return"] = Tuple[bool, str]
        axon.attach(forward_fn=forward, blacklist_fn=blacklist, priority_fn=priority)

    for cls in MESSAGES[command["generation"]].values():
        if cls is not bt.Synapse:
            attach(cls)
    axon.start()
    running.append(axon)
    await_listening(port)
    return {"port": port, "hotkey": axon.wallet.hotkey.ss58_address}


def read_key(command):
    """Loads a key file with the SDK's own wallet library and proves it with a signature."""
    if LEGACY:
        keyfile = bt.keyfile(command["path"])
    else:
        from bittensor_wallet import Keyfile

        keyfile = Keyfile(command["path"], name="key")
    password = command.get("password")
    keypair = keyfile.get_keypair(password=password) if password else keyfile.get_keypair()
    message = command.get("message", "proof").encode()
    signature = keypair.sign(message)
    return {"ss58": keypair.ss58_address, "signature": "0x" + bytes(signature).hex()}


def write_key(command):
    """Writes a key file with the SDK's own wallet library."""
    keypair = Keypair.create_from_mnemonic(command["mnemonic"])
    if LEGACY:
        keyfile = bt.keyfile(command["path"])
    else:
        from bittensor_wallet import Keyfile

        keyfile = Keyfile(command["path"], name="key")
    password = command.get("password")
    if password:
        if LEGACY:
            keyfile.set_keypair(keypair, encrypt=False, overwrite=True)
            from bittensor.keyfile import encrypt_keyfile_data

            data = keyfile._read_keyfile_data_from_file()
            keyfile._write_keyfile_data_to_file(encrypt_keyfile_data(data, password), overwrite=True)
        else:
            keyfile.set_keypair(keypair, encrypt=True, overwrite=True, password=password)
    else:
        keyfile.set_keypair(keypair, encrypt=False, overwrite=True)
    return {"ss58": keypair.ss58_address}


def verify(command):
    keypair = Keypair(ss58_address=command["ss58"])
    return {"valid": bool(keypair.verify(command["message"].encode(), command["signature"]))}


def process_weights(command):
    import numpy as np
    from bittensor.utils.weight_utils import (
        convert_weights_and_uids_for_emit,
        process_weights as process,
    )

    results = []
    for case in command["cases"]:
        try:
            uids, weights = process(
                uids=np.array(case["uids"], dtype=np.int64),
                weights=np.array(case["weights"], dtype=np.float32),
                num_neurons=case["num_neurons"],
                min_allowed_weights=case["min_allowed_weights"],
                max_weight_limit=case["max_weight_limit"],
                exclude_quantile=case["exclude_quantile"],
            )
            emitted = convert_weights_and_uids_for_emit(uids, weights)
            results.append(
                {
                    "uids": [int(uid) for uid in uids],
                    "weights": [float(weight) for weight in weights],
                    "emit": {"uids": [int(u) for u in emitted[0]], "weights": [int(w) for w in emitted[1]]},
                }
            )
        except Exception as error:
            results.append({"raised": type(error).__name__})
    return results


def import_chain():
    import peer_chain

    return peer_chain


COMMANDS = {
    "version": lambda command: {"version": bt.__version__, "version_int": VERSION_INT},
    "call": lambda command: asyncio.run(call_axon(command)),
    "serve": serve,
    "read_key": read_key,
    "write_key": write_key,
    "verify": verify,
    "process_weights": process_weights,
    "chain": lambda command: import_chain().run(bt, Keypair, command),
}

for line in sys.stdin:
    command = json.loads(line)
    try:
        answer = {"ok": COMMANDS[command["op"]](command)}
    except BaseException as error:  # the SDKs raise SystemExit too
        answer = {"error": "".join(traceback.format_exception(type(error), error, error.__traceback__))}
    answers.write(json.dumps(answer) + "\n")

for axon in running:
    axon.stop()
os._exit(0)
