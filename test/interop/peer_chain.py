"""The SDK's chain client (9.x and 10.x) against our simulated node."""


def run(bt, keypair_class, command):
    subtensor = bt.Subtensor(network=command["url"])
    try:
        return ACTIONS[command["action"]](bt, subtensor, command)
    finally:
        subtensor.close()


def wallet_of(command):
    from bittensor_wallet import Wallet

    return Wallet(name="default", hotkey="default", path=command["wallets"])


def look(bt, subtensor, command):
    netuid = command["netuid"]
    metagraph = subtensor.metagraph(netuid)
    return {
        "block": int(subtensor.block),
        "uid": subtensor.get_uid_for_hotkey_on_subnet(command["hotkey"], netuid),
        "registered": bool(subtensor.is_hotkey_registered(hotkey_ss58=command["hotkey"], netuid=netuid)),
        "hotkeys": list(metagraph.hotkeys),
        "stakes": [float(stake) for stake in metagraph.S],
        "axons": [[axon.ip, axon.port] for axon in metagraph.axons],
        "weights_rate_limit": subtensor.weights_rate_limit(netuid),
        "min_allowed_weights": subtensor.min_allowed_weights(netuid),
    }


def serve(bt, subtensor, command):
    axon = bt.Axon(
        wallet=wallet_of(command),
        ip="127.0.0.1",
        port=command["port"],
        external_ip=command["ip"],
        external_port=command["port"],
    )
    return {"answer": str(subtensor.serve_axon(command["netuid"], axon))}


def weigh(bt, subtensor, command):
    answer = subtensor.set_weights(
        wallet=wallet_of(command),
        netuid=command["netuid"],
        uids=command["uids"],
        weights=command["weights"],
        version_key=command["version_key"],
        wait_for_inclusion=True,
        wait_for_finalization=False,
    )
    return {"answer": str(answer)}


def read_weights(bt, subtensor, command):
    """Pairs of a uid and its weights, those as pairs as well; on the chain as u16."""
    return [
        [int(uid), [[int(target), int(weight)] for target, weight in weights]]
        for uid, weights in subtensor.weights(command["netuid"])
    ]


ACTIONS = {"look": look, "serve": serve, "weigh": weigh, "read_weights": read_weights}
