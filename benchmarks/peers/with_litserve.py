"""LitServe with its own batching, at the protocol's path: `with_litserve.py PORT GRAPH`."""

import sys
from typing import Any

import litserve
import numpy as np
import onnxruntime


class Tabular(litserve.LitAPI):  # type: ignore[misc]
    """The graph as LitServe has models: decode, gather, run, part, encode."""

    def setup(self, _device: str) -> None:
        """Load the graph, in the worker."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(sys.argv[2], options, providers=["CPUExecutionProvider"])

    def decode_request(self, request: dict[str, Any]) -> Any:
        """One row of a request of the protocol."""
        return np.array(request["inputs"][0]["data"], np.float32)

    def batch(self, inputs: list[Any]) -> Any:
        """The rows of several requests."""
        return np.stack(inputs)

    def predict(self, x: Any) -> Any:
        """Run the graph."""
        return self.session.run(None, {"features": x})[0]

    def unbatch(self, output: Any) -> list[Any]:
        """A score a request."""
        return list(output)

    def encode_response(self, output: Any) -> dict[str, Any]:
        """An answer of the protocol."""
        score = {"name": "score", "shape": [1, 1], "datatype": "FP32", "data": output.tolist()}
        return {"model_name": "tabular", "outputs": [score]}


if __name__ == "__main__":
    api = Tabular(max_batch_size=64, batch_timeout=0.0, api_path="/v2/models/tabular/infer")
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1, timeout=30)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", generate_client_file=False)
