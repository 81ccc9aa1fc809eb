"""Random damage to good requests never ends in anything but an answer or a named fault."""

import asyncio
import json
import random
from collections.abc import Iterator

import pytest

from serving.errors import ServingError, http_status
from serving.gather import Gatherer
from serving.lane import Limits
from serving.metrics import Metrics
from serving.repository import load_repository
from serving.service import Service

ODD = [
    None,
    True,
    0,
    -1,
    1.5,
    1e300,
    2**63,
    2**70,
    "",
    "x",
    "\u2603",
    [],
    [[]],
    [1],
    {},
    {"a": 1},
    "FP32",
    "BYTES",
]


@pytest.fixture
def runner():
    """One event loop, as the service has."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def inner_service(models_folder) -> Iterator[Service]:
    gatherer = Gatherer(Limits(), Metrics())
    yield Service(load_repository(models_folder), gatherer, max_rows=50)
    gatherer.close()


def damaged(value, chance):
    """A copy in which each part is, by chance, replaced, left out or doubled."""
    if chance.random() < 0.04:
        return chance.choice(ODD)
    if isinstance(value, dict):
        return {key: damaged(each, chance) for key, each in value.items() if chance.random() > 0.02}
    if isinstance(value, list):
        kept = [damaged(each, chance) for each in value if chance.random() > 0.02]
        return kept * 2 if chance.random() < 0.02 else kept
    return value


def scarred(content, chance):
    """Bytes with a few of them changed, cut off or repeated."""
    content = bytearray(content)
    for _ in range(chance.randrange(3)):
        at = chance.randrange(len(content) + 1)
        content[at : at + chance.randrange(4)] = chance.randbytes(chance.randrange(4))
    return bytes(content)


def outcome(runner, answer, *arguments):
    """200, or the status that a ServingError is answered with."""
    try:
        runner.run(answer(*arguments))
    except ServingError as error:
        return http_status(error) if str(error) else 500
    return 200


@pytest.mark.parametrize("seed", range(3))
def test_damaged_requests_are_answered_or_refused(runner, inner_service, seed):
    chance = random.Random(seed)
    columns = (("area", "FP32", 1.5), ("rooms", "INT64", 2), ("quality", "BYTES", "Good"))
    tensors = [{"name": n, "shape": [2, 1], "datatype": d, "data": [[v], [v]]} for n, d, v in columns]
    request = {
        "id": "a",
        "inputs": tensors,
        "outputs": [{"name": "price", "parameters": {"binary_data": True}}],
    }
    binary = {"name": "text", "shape": [2, 1], "datatype": "BYTES", "parameters": {"binary_data_size": 12}}
    price, words = map(inner_service.repository.get, ("price", "words"))
    seen = set()
    for _ in range(600):
        body = scarred(json.dumps(damaged(request, chance)).encode(), chance)
        seen.add(outcome(runner, inner_service.infer, price, body, None))
        head = json.dumps(damaged({"inputs": [binary]}, chance)).encode()
        size = str(len(head) + chance.choice([0, 0, 0, 1, -1]))
        tail = scarred(b"\2\0\0\0ab\2\0\0\0cd", chance)
        seen.add(outcome(runner, inner_service.infer, words, head + tail, size))
        records = damaged([{"area": 1.5, "rooms": 2, "quality": "Good"}] * 2, chance)
        seen.add(outcome(runner, inner_service.predict, price, scarred(json.dumps(records).encode(), chance)))
    assert {200, 400} <= seen <= {200, 400, 413, 415}
