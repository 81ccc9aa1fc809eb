"""KServe's Python server with a model of one's own: `with_kserve.py PORT GRAPH`."""

import sys
from typing import Any

import onnxruntime
import uvicorn
from kserve import InferOutput, InferResponse, Model, ModelServer


class Tabular(Model):  # type: ignore[misc]
    """The graph as KServe has models; this server gathers no requests."""

    def __init__(self, graph: str) -> None:
        """Load the graph."""
        super().__init__("tabular")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self.ready = True

    def predict(self, payload: Any, *_: Any, **__: Any) -> Any:
        """Answer one request."""
        scores = self.session.run(None, {"features": payload.inputs[0].as_numpy()})[0]
        output = InferOutput(name="score", shape=list(scores.shape), datatype="FP32")
        output.set_data_from_numpy(scores, binary_data=False)
        return InferResponse(response_id=payload.id or "0", model_name=self.name, infer_outputs=[output])


class Loopback(uvicorn.Config):
    """What KServe asks of uvicorn, but for every address of the machine, which it does not let one change."""

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **{**options, "host": "127.0.0.1"})


if __name__ == "__main__":
    port, graph = int(sys.argv.pop(1)), sys.argv.pop(1)
    uvicorn.Config = Loopback  # type: ignore[assignment, misc]
    ModelServer(http_port=port, enable_grpc=False, enable_latency_logging=False).start([Tabular(graph)])
