"""Several processes behind one port: killed ones are replaced, all end together, counts are one sum."""

import signal
import socket
import time
from pathlib import Path

import psutil
import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from tritonclient import grpc

from serving.errors import StartError
from serving.options import Options
from serving.run import serve
from serving.workers import LONGEST_WAIT_S, STEADY_S, Slot
from tests.serving.test_serving_grpc import rpc_address


class Ended:
    """What a slot asks of a worker."""

    def __init__(self, lived_s):
        self.began = time.monotonic() - lived_s


@pytest.fixture
def crew(small, tmp_path, starting):
    small.write_price(tmp_path)
    return starting(tmp_path, workers=2, grpc_port=0)


def workers_of(running) -> list[psutil.Process]:
    return psutil.Process(running.process.pid).children()


def until(happens, within_s=20.0):
    """Wait until `happens()` is true."""
    ends = time.monotonic() + within_s
    while not happens():
        assert time.monotonic() < ends
        time.sleep(0.05)


def ask(running) -> int:
    """The status of a prediction on a connection of its own."""
    answer = running.predict("price", '{"rooms": 1}')
    assert answer.status_code != 200 or answer.json()["predictions"] == [{"price": 6010.0}]
    return answer.status_code


def counted(running) -> float:
    text = requests.get(f"{running.url}/metrics", timeout=30).text
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "millrace_requests_total" and sample.labels["status"] == "200"
    )


def test_a_killed_worker_is_replaced_and_the_counts_stay_one_sum(crew):
    assert crew.greeting.startswith("2 workers\n")
    assert [ask(crew) for _ in range(20)] == [200] * 20
    # Both have written their counts, whichever is asked: what a killed one had not written is lost.
    until(lambda: [counted(crew) for _ in range(12)] == [20] * 12)
    first, second = workers_of(crew)
    first.kill()
    until(lambda: len(workers_of(crew)) == 2 and first not in workers_of(crew))
    assert second in workers_of(crew)
    assert [ask(crew) for _ in range(20)] == [200] * 20
    until(lambda: counted(crew) == 40)
    with grpc.InferenceServerClient(rpc_address(crew)) as client:
        assert client.is_server_ready()
    workers = workers_of(crew)
    crew.process.send_signal(signal.SIGTERM)
    said, logged = crew.process.communicate(timeout=30)
    assert said == "stopped\n"
    assert "was ended by SIGKILL; another is started now" in logged
    assert "Traceback" not in logged
    assert not any(each.is_running() for each in workers)


def test_no_worker_outlives_the_process_that_started_it(crew):
    workers = workers_of(crew)
    counts = Path(workers[0].cmdline()[-1])
    assert counts.is_dir()
    crew.process.kill()
    crew.process.communicate(timeout=30)
    assert not psutil.wait_procs(workers, timeout=15)[1]
    assert not counts.exists()


def test_who_ends_again_and_again_is_started_ever_later():
    slot = Slot()
    waits = [slot.ended(Ended(0.1)) for _ in range(12)]
    assert waits[:4] == [0, 1, 2, 4]
    assert waits[-1] == LONGEST_WAIT_S
    assert slot.ended(Ended(STEADY_S + 1)) == 0


@pytest.mark.parametrize("shares", [False, True])
def test_a_port_that_is_taken_is_one_line(models_folder, shares):
    with socket.socket() as taken:
        if shares:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=f"^port {port} on 127.0.0.1 is taken"):
            serve(Options(models_folder, port=port, workers=2))


def test_what_keeps_a_worker_from_starting_is_one_line(tmp_path, models_folder):
    with pytest.raises(StartError, match=r"^no model to serve: expected "):
        serve(Options(tmp_path, port=0, workers=2))
    with pytest.raises(StartError, match=r"^--model-control reaches one process alone"):
        serve(Options(models_folder, port=0, workers=2, control=True))
    assert not [each for each in psutil.Process().children() if "serving.worker" in each.cmdline()]
