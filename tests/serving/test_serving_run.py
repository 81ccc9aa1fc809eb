"""Starting and stopping the service."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
import requests

from serving.errors import StartError
from serving.options import Options
from serving.run import serve

FORBIDDEN = {"torch", "sklearn", "pandas", "autogluon", "joblib", "onnx", "dill", "cloudpickle"}


def test_the_service_imports_no_training_library():
    command = "import sys, serving.run; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True
    ).stdout
    assert not FORBIDDEN & {name.split(".")[0] for name in loaded.split()}


def test_it_says_what_it_serves_and_how_to_ask(small, tmp_path, starting):
    small.write_price(tmp_path, 1)
    small.write_price(tmp_path, 2)
    (tmp_path / "price" / "2" / "model.onnx").write_bytes(b"half")
    running = starting(tmp_path)
    assert "price  regression, version 1, 3 inputs" in running.greeting
    assert "price  version 2 NOT served: " in running.greeting
    command = next(line for line in running.greeting.splitlines() if line.startswith("curl"))
    answer = subprocess.run(command, shell=True, capture_output=True, text=True, check=True).stdout
    assert json.loads(answer)["predictions"] == [{"price": small.price(120, 4, "Good")}]
    assert requests.get(f"{running.url}/v2/health/ready", timeout=30).json() == {"ready": True}
    failures = requests.get(f"{running.url}/models", timeout=30).json()["failures"]
    assert [failure["version"] for failure in failures] == [2]
    response = requests.get(f"{running.url}/v2/models/price/versions/2/ready", timeout=30)
    assert response.status_code == 503
    assert "did not load" in response.json()["error"]
    running.process.send_signal(signal.SIGINT)
    said, logged = running.process.communicate(timeout=20)
    assert said == "stopped\n"
    assert logged.startswith("price version 2 is not served: ")
    assert logged.count("\n") == 1
    assert running.process.returncode == 0


def test_a_taken_port_is_one_line(models_folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        says = f"^port {port} on 127.0.0.1 is taken: stop what uses it, or pass another port$"
        with pytest.raises(StartError, match=says):
            serve(Options(models_folder, port=port))


@pytest.mark.parametrize("port", [65536, -1])
def test_a_port_that_is_none_is_one_line(models_folder, port):
    with pytest.raises(StartError, match=f"^port {port} is not between 0 and 65535$"):
        serve(Options(models_folder, port=port))


def test_a_host_that_is_not_here_is_one_line(models_folder):
    with pytest.raises(StartError, match=r"^cannot listen on 192\.0\.2\.1 port 0: .+$"):
        serve(Options(models_folder, host="192.0.2.1", port=0))


def test_an_empty_folder_is_one_line(tmp_path):
    place = f"{tmp_path}/<name>/<version>/model.onnx"
    says = f"^no model to serve: expected {place}, found none; run `make repro`, or name another folder$"
    with pytest.raises(StartError, match=says):
        serve(Options(tmp_path, port=0))


def test_a_request_in_flight_is_answered_before_it_stops(small, tmp_path, starting):
    small.write_price(tmp_path)
    running = starting(tmp_path)
    body = iter([b'{"rooms"', b": 1", b"}"])
    begun = threading.Event()

    def slowly():
        for part in body:
            yield part
            begun.set()
            time.sleep(0.3)

    answers = []
    url = f"{running.url}/models/price/predict"
    asking = threading.Thread(target=lambda: answers.append(requests.post(url, data=slowly(), timeout=30)))
    asking.start()
    assert begun.wait(10)
    time.sleep(0.1)
    running.process.send_signal(signal.SIGTERM)
    asking.join(20)
    assert answers[0].json()["predictions"] == [{"price": small.price(None, 1, "")}]
    assert "Traceback" not in running.process.communicate(timeout=20)[1]
