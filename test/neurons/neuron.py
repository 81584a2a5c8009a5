"""
A validator's day on the chain with an unmodified SDK, whatever its generation: look around, announce an axon, set
weights, look again. The command is one JSON argument; the answer is one JSON line on the real standard output.
"""
import asyncio
import json
import os
import sys

answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)
command = json.loads(sys.argv[1])
sys.argv = sys.argv[:1]

import bittensor as bt  # noqa: E402

MAJOR = int(bt.__version__.split(".")[0])
NETUID = command["netuid"]
HOTKEY = command["hotkey"]


def wallet(name="default"):
    if MAJOR == 6:
        return bt.wallet(name=name, hotkey="default", path=command["wallets"])
    if MAJOR >= 11:
        from bittensor.wallet import Wallet
    else:
        from bittensor_wallet import Wallet
    return Wallet(name=name, hotkey="default", path=command["wallets"])


def plain(value):
    """Numbers of the SDK's own kinds, as JSON has them."""
    if isinstance(value, (bool, str)) or value is None:
        return value
    return float(value)


def weigh(subtensor):
    uids, weights = zip(*command["weights"])
    return str(
        subtensor.set_weights(
            wallet=wallet(),
            netuid=NETUID,
            uids=list(uids),
            weights=list(weights),
            wait_for_inclusion=True,
            wait_for_finalization=False,
        )
    )


def day_until_10():
    import bittensor.utils.networking as networking

    # The constructor asks public services for the machine's address otherwise
    networking.get_external_ip = lambda: "198.51.100.9"
    subtensor = (bt.subtensor if MAJOR == 6 else bt.Subtensor)(network=command["url"])
    seen = {}
    if command.get("only_weights"):
        seen["weighed"] = weigh(subtensor)
        return seen
    if command.get("newcomer"):
        answer = subtensor.burned_register(wallet(command["newcomer"]), NETUID)
        seen["registered"] = bool(getattr(answer, "success", answer))
    metagraph = subtensor.metagraph(NETUID)
    full = subtensor.metagraph(NETUID, lite=False)
    seen["uid"] = plain(subtensor.get_uid_for_hotkey_on_subnet(HOTKEY, NETUID))
    seen["hotkeys"] = list(metagraph.hotkeys)
    seen["stakes"] = [plain(stake) for stake in metagraph.S]
    seen["permits"] = [bool(permit) for permit in metagraph.validator_permit]
    seen["axons"] = [[axon.ip, axon.port] for axon in full.axons]
    seen["rate_limit"] = subtensor.get_subnet_hyperparameters(NETUID).weights_rate_limit
    seen["min_allowed_weights"] = subtensor.min_allowed_weights(NETUID)
    if MAJOR > 6:
        seen["price"] = plain(subtensor.subnet(NETUID).price)
        seen["subnets"] = [subnet.netuid for subnet in subtensor.all_subnets()]
    axon = (bt.axon if MAJOR == 6 else bt.Axon)(
        wallet=wallet(),
        ip="127.0.0.1",
        port=command["port"],
        external_ip=command["ip"],
        external_port=command["port"],
    )
    seen["served"] = str(subtensor.serve_axon(NETUID, axon))
    seen["weighed"] = weigh(subtensor)
    seen["weights"] = dict(subtensor.weights(NETUID)).get(seen["uid"], [])
    if MAJOR > 6:
        subtensor.close()
    return seen


async def day_from_11():
    from bittensor.intents.serving import ServeAxon
    from bittensor.intents.weights import SetWeights

    async with bt.Subtensor(command["url"], fallback_endpoints=[], archive_endpoints=[]) as client:
        seen = {}
        neurons = await client.neurons.all(NETUID)
        seen["uid"] = await client.neurons.uid(HOTKEY, NETUID)
        seen["hotkeys"] = [neuron.hotkey for neuron in neurons]
        hyperparameters = await client.subnets.subnet_hyperparameters(NETUID)
        seen["rate_limit"] = hyperparameters["weights_rate_limit"]
        seen["min_allowed_weights"] = hyperparameters["min_allowed_weights"]
        seen["subnets"] = [subnet.netuid for subnet in await client.subnets.all()]
        graph = await client.subnets.metagraph(NETUID)
        seen["graph"] = len(graph.neurons)
        serve = ServeAxon(netuid=NETUID, ip=command["ip"], port=command["port"])
        seen["served"] = str(await client.execute(serve, wallet()))
        uids, weights = zip(*command["weights"])
        weigh = SetWeights(netuid=NETUID, uids=list(uids), weights=list(weights))
        seen["weighed"] = str(await client.execute(weigh, wallet()))
        shares = await client.weights.weights(NETUID)
        seen["shares"] = list(shares.get(seen["uid"], {}).items())
        return seen


day = asyncio.run(day_from_11()) if MAJOR >= 11 else day_until_10()
answers.write(json.dumps(day) + "\n")
answers.flush()
os._exit(0)  # some SDKs keep threads that never end
