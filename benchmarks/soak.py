"""Mixed load on the service for long, with reloads and killed workers: no wrong answer, no 5xx, no leak.

Every answer is checked against this process' own run of the graph. A new version of both models (80 numbers,
and trees of 38 MB) appears every minute, the last but one goes; with several workers one is killed, half a
minute later. Who was connected to it sees its connection end, and asks again; only these are forgiven, and a
503 of a full queue. Fails on any other fault, and where memory grew by over 2% after the warm-up.

    python benchmarks/soak.py [--minutes 30] [--workers 2] [--clients 6]
"""

import argparse
import http.client
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from socket import create_server
from typing import Any

import numpy as np
import onnxruntime
import psutil
from tritonclient import grpc
from tritonclient.utils import InferenceServerException

sys.path.insert(0, str(Path(__file__).parent))
from machine import machine
from start_up import write_trees
from tabular import ROWS, X, many_rows, write_model

INFER = "/v2/models/tabular/infer"
FORGIVEN_S = 5.0
MOST_GROWTH = 1.02
FAULTS = [b"", b"{", b"[1]", b'{"inputs": []}', b'{"inputs": [{"name": "x"}]}', b"\xff" * 100, b"[" * 5000]
Ask = Callable[["Client"], None]


class Tally:
    """What the clients saw, and when something was done to the service."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.faults: list[str] = []
        self.killed = 0.0
        self.reloading = 0.0
        self.ended = False
        self.slowest = {"in_reload": 0.0, "else": 0.0}

    def fault(self, text: str) -> None:
        """Note what must not happen."""
        self.seen["faults"] += 1
        self.faults = [*self.faults, text][:5]

    def note_time(self, took_s: float) -> None:
        """Keep the longest time of a small request, while a model is loaded and else."""
        when = "in_reload" if time.monotonic() - self.reloading < FORGIVEN_S else "else"
        if time.monotonic() - self.killed > FORGIVEN_S:
            self.slowest[when] = max(self.slowest[when], took_s)


class Client(threading.Thread):
    """One connection of each kind, and requests of every kind in random order."""

    def __init__(self, seed: int, ports: tuple[int, int], expected: np.ndarray, tally: Tally) -> None:
        super().__init__(daemon=True)
        self.chance = random.Random(seed)
        self.ports, self.expected, self.tally = ports, expected, tally
        self.http = http.client.HTTPConnection("127.0.0.1", ports[0], timeout=30)
        self.grpc = grpc.InferenceServerClient(f"127.0.0.1:{ports[1]}")

    def run(self) -> None:
        """Ask until the end."""
        kinds: list[Ask] = [one_by_json, one_by_json, many_by_binary, by_record, by_trees, by_grpc, malformed]
        while not self.tally.ended:
            ask = self.chance.choice(kinds)
            try:
                ask(self)
                self.tally.seen[ask.__name__] += 1
            except (OSError, http.client.HTTPException, InferenceServerException) as error:
                self._lost(f"{ask.__name__}: {type(error).__name__} {error}")
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a fault of the service
                self.tally.fault(f"{ask.__name__}: {type(error).__name__} {error}")

    def _lost(self, text: str) -> None:
        """Forgive a connection that ended with its worker."""
        self.http.close()
        if time.monotonic() - self.tally.killed < FORGIVEN_S:
            self.tally.seen["lost with a worker"] += 1
            time.sleep(0.05)
        else:
            self.tally.fault(text)

    def post(self, path: str, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, bytes, int]:
        """Status, body and the length of its JSON part. A 503 that says when to ask again is asked again."""
        while True:
            self.http.request("POST", path, body, headers or {})
            response = self.http.getresponse()
            content, size = response.read(), int(response.headers.get("Inference-Header-Content-Length", 0))
            if response.status != 503 or response.headers.get("Retry-After") is None:
                return response.status, content, size
            self.tally.seen["503"] += 1
            time.sleep(0.05)

    def check(self, got: object, rows: slice, what: str) -> None:
        """Compare scores with those of this process."""
        same = np.allclose(np.ravel(np.array(got, np.float64)), self.expected[rows], rtol=1e-4, atol=1e-4)
        if not same:
            self.tally.fault(f"{what}: wrong answer for rows {rows}: {got}")


def one_by_json(client: Client) -> None:
    """One row of numbers."""
    at = client.chance.randrange(ROWS)
    tensor = {"name": "features", "shape": [1, X.shape[1]], "datatype": "FP32", "data": X[at].tolist()}
    began = time.monotonic()
    status, content, _ = client.post(INFER, json.dumps({"inputs": [tensor], "id": str(at)}).encode())
    client.tally.note_time(time.monotonic() - began)
    answer = answered(status, content)
    assert answer["id"] == str(at), f"the answer of another request: {answer['id']} for {at}"
    client.check(answer["outputs"][0]["data"], slice(at, at + 1), "json")


def many_by_binary(client: Client) -> None:
    """Every row, as raw bytes."""
    shot = many_rows()
    status, content, size = client.post(INFER, shot.body, shot.headers)
    answered(status, content[:size])
    client.check(np.frombuffer(content[size:], np.float32), slice(0, ROWS), "binary")


def by_record(client: Client) -> None:
    """A few records."""
    at, count = client.chance.randrange(ROWS - 5), client.chance.randrange(1, 5)
    records = [{"features": row.tolist()} for row in X[at : at + count]]
    answer = answered(*client.post("/models/tabular/predict", json.dumps(records).encode())[:2])
    client.check([each["score"] for each in answer["predictions"]], slice(at, at + count), "predict")


def by_trees(client: Client) -> None:
    """The large model, whose answers to one record must stay as they are."""
    answer = answered(*client.post("/models/trees/predict", b'{"features": [' + b"0," * 79 + b"0]}")[:2])
    score = answer["predictions"][0]["score"]
    if client.tally.seen["trees"] not in (0, hash(score)):
        client.tally.fault(f"trees answer {score} now")
    client.tally.seen["trees"] = hash(score)


def by_grpc(client: Client) -> None:
    """A few rows by gRPC."""
    at = client.chance.randrange(ROWS - 3)
    tensor = grpc.InferInput("features", [3, X.shape[1]], "FP32")
    tensor.set_data_from_numpy(X[at : at + 3])
    result = client.grpc.infer("tabular", [tensor], client_timeout=30)
    client.check(result.as_numpy("score"), slice(at, at + 3), "grpc")


def malformed(client: Client) -> None:
    """What must be refused."""
    path = client.chance.choice([INFER, "/models/tabular/predict", "/v2/models/nobody/infer"])
    status, content, _ = client.post(path, client.chance.choice(FAULTS))
    assert 400 <= status < 500, f"{status} for a malformed request"
    assert json.loads(content).keys() == {"error"}


def answered(status: int, content: bytes) -> Any:
    """The JSON of a good answer."""
    assert status == 200, f"{status}: {content[:200]!r}"
    return json.loads(content)


def pss_mib(pid: int) -> float:
    """The memory of a process and all below it, shared pages counted by their share."""
    total = 0
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for each in [parent, *parent.children(recursive=True)]:
            with suppress(OSError):
                text = Path(f"/proc/{each.pid}/smaps_rollup").read_text()
                total += next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return total / 1024


def free_ports() -> tuple[int, int]:
    """Two ports that nothing listens on."""
    with create_server(("127.0.0.1", 0)) as first, create_server(("127.0.0.1", 0)) as second:
        return first.getsockname()[1], second.getsockname()[1]


def reload(models: Path, staged: dict[str, Path], version: int, tally: Tally) -> None:
    """Put the next version of both models beside the last, and take the one before away."""
    tally.reloading = time.monotonic()
    for name, folder in staged.items():
        fresh = models / name / f".{version}"
        shutil.copytree(folder, fresh)
        bundle = fresh / "bundle.json"
        bundle.write_text(bundle.read_text().replace('"version": 1', f'"version": {version}', 1))
        fresh.rename(models / name / str(version))
        shutil.rmtree(models / name / str(version - 2), ignore_errors=True)


def kill_worker(pid: int, tally: Tally) -> None:
    """Kill one of the workers, if there are any."""
    workers = psutil.Process(pid).children()
    if workers:
        tally.killed = time.monotonic()
        random.choice(workers).kill()
        tally.seen["killed"] += 1


def soak(process: subprocess.Popen[bytes], models: Path, staged: dict[str, Path], tally: Tally,
         minutes: float) -> list[float]:  # fmt: skip
    """Do to the service what is done to it; gives its memory in MiB, every two seconds."""
    began, version, memory = time.monotonic(), 1, []
    while (gone := time.monotonic() - began) < 60 * minutes and process.poll() is None:
        if gone > 60 * version - 30:
            version += 1
            reload(models, staged, version, tally)
        if gone > 60 * (tally.seen["kills due"] + 1):
            tally.seen["kills due"] += 1
            kill_worker(process.pid, tally)
        time.sleep(2)
        memory.append(pss_mib(process.pid))
    tally.seen["reloads"] = version - 1
    if process.poll() is not None:
        tally.fault(f"the service ended: {process.returncode}")
    return memory


def growth(memory: list[float]) -> float:
    """The median of the last fifth over that of the fifth after a warm-up of two fifths."""
    fifth = max(1, len(memory) // 5)
    return statistics.median(memory[-fifth:]) / statistics.median(memory[2 * fifth : 3 * fifth])


def main() -> None:
    """Start the service and the clients; print what came of it as one JSON line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--clients", type=int, default=6)
    args = parser.parse_args()
    print(machine(), file=sys.stderr)
    with tempfile.TemporaryDirectory() as scratch:
        models, ports, tally = Path(scratch) / "models", free_ports(), Tally()
        graph = write_model(models)
        write_trees(models)
        staged = {name: Path(scratch) / "staged" / name for name in ("tabular", "trees")}
        for name, folder in staged.items():
            shutil.copytree(models / name / "1", folder)
        session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
        expected = np.ravel(session.run(None, {"features": X})[0])
        command = [sys.executable, "-m", "pipeline.cli", "serve", "--models", str(models)]
        options = ["--port", str(ports[0]), "--grpc-port", str(ports[1]), "--workers", str(args.workers)]
        process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            while b"/docs" not in process.stdout.readline():
                if process.poll() is not None:
                    sys.exit("error: the service did not start")
            clients = [Client(seed, ports, expected, tally) for seed in range(args.clients)]
            for client in clients:
                client.start()
            memory = soak(process, models, staged, tally, args.minutes)
            tally.ended = True
            for client in clients:
                client.join(60)
        finally:
            process.terminate()
            process.wait(60)
    report(tally, memory)


def report(tally: Tally, memory: list[float]) -> None:
    """Print the figures; end with an error where the service failed."""
    tally.seen.pop("trees")
    print(json.dumps({
        **tally.seen, "faults": tally.seen["faults"], "first_faults": tally.faults,
        "memory_growth": round(growth(memory), 4), "memory_mib": round(memory[-1]),
        "slowest_ms_in_reload": round(1000 * tally.slowest["in_reload"], 1),
        "slowest_ms_else": round(1000 * tally.slowest["else"], 1),
    }))  # fmt: skip
    sys.exit(1 if tally.seen["faults"] or growth(memory) > MOST_GROWTH else 0)


if __name__ == "__main__":
    main()
