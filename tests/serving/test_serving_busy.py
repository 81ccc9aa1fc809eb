"""A started service with more to do than it can: refusals, deadlines, clients that leave, and its end."""

import json
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.serving.slow_model import write_slow


@pytest.fixture
def busy(small, tmp_path, starting):
    """A service of one run at a time, a queue of two and one request a run."""
    write_slow(tmp_path, small.graph_bytes)
    return starting(tmp_path, {"waiting": 2, "runs": 1, "rows_a_run": 1})


def turns(number: int, **parameters) -> bytes:
    tensor = {"name": "turns", "shape": [1, 1], "datatype": "INT64", "data": [number]}
    return json.dumps({"inputs": [tensor], "parameters": parameters}).encode()


def ask(running, number: int, **parameters) -> requests.Response:
    return running.infer("slow", turns(number, **parameters))


def test_a_full_queue_is_answered_503_and_the_others_in_full(busy):
    with ThreadPoolExecutor(10) as pool:
        responses = [*pool.map(lambda _: ask(busy, 100), range(10))]
        began = time.monotonic()
        assert requests.get(f"{busy.url}/v2/health/live", timeout=30).ok
    assert time.monotonic() - began < 5
    refused = [each for each in responses if each.status_code == 503]
    answered = [each for each in responses if each.status_code == 200]
    assert len(refused) + len(answered) == 10
    assert refused
    assert len(answered) >= 3
    for each in refused:
        assert each.headers["Retry-After"] == "1"
        assert "requests wait already" in each.json()["error"]
    assert all(each.json()["outputs"][0]["data"] == [100] for each in answered)


def test_a_deadline_is_kept_while_another_is_worked_for(busy):
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(ask, busy, 2000)
        time.sleep(0.1)
        began = time.monotonic()
        late = ask(busy, 1, timeout=50_000)
        took = time.monotonic() - began
        assert late.status_code == 503
        assert late.json()["error"].startswith("no answer within 0.05 seconds")
        assert took < 0.4
        assert first.result().status_code == 200
    assert ask(busy, 1, timeout=True).status_code == 400
    assert ask(busy, 1, timeout=-1).status_code == 400


def test_the_work_of_a_client_that_left_is_dropped(busy):
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(ask, busy, 200)
        time.sleep(0.1)
        body = turns(5000)
        host, port = busy.address.split(":")
        with socket.create_connection((host, int(port))) as leaving:
            head = f"POST /v2/models/slow/infer HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            leaving.sendall(head.encode() + body)
            time.sleep(0.1)
        assert first.result().ok
    began = time.monotonic()
    assert ask(busy, 1).ok
    assert time.monotonic() - began < 5


def test_every_request_taken_in_is_answered_after_sigterm(small, tmp_path, starting):
    write_slow(tmp_path, small.graph_bytes)
    running = starting(tmp_path, {"runs": 1, "rows_a_run": 1})
    answers = []
    asking = [threading.Thread(target=lambda: answers.append(ask(running, 50).status_code)) for _ in range(8)]
    for each in asking:
        each.start()
    time.sleep(0.3)
    running.process.send_signal(signal.SIGTERM)
    for each in asking:
        each.join(20)
    assert answers == [200] * 8
    assert "Traceback" not in running.process.communicate(timeout=20)[1]
