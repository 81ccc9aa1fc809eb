"""A service that was told to end says that it is not ready, and answers all the same."""

import re
import signal
import time

import requests
from tritonclient import grpc


def test_it_is_not_ready_and_answers_until_its_wait_is_over(small, tmp_path, starting):
    small.write_price(tmp_path)
    running = starting(tmp_path, drain_wait_s=3, grpc_port=0)
    ready = f"{running.url}/v2/health/ready"
    assert requests.get(ready, timeout=30).ok
    port = re.search(r"gRPC on port (\d+)", running.greeting).group(1)
    with grpc.InferenceServerClient(f"127.0.0.1:{port}") as client:
        assert client.is_server_ready()
        running.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        time.sleep(0.3)
        assert not client.is_server_ready()
        refused = requests.get(ready, timeout=30)
        assert refused.status_code == 503
        assert refused.json()["error"].startswith("the service is ending")
        assert requests.get(f"{running.url}/v2/health/live", timeout=30).ok
        assert running.predict("price", '{"rooms": 1}').ok
    assert "Traceback" not in running.process.communicate(timeout=20)[1]
    assert time.monotonic() - began > 2.9
