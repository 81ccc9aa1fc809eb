"""NVIDIA Triton through pytriton, requests of one pass in one run: `with_pytriton.py PORT GRAPH`."""

import sys
from socket import create_server
from typing import Any

import numpy as np
import onnxruntime
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig


def free_port() -> int:
    """A port that nothing listens on."""
    with create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def main() -> None:
    """Serve the graph until told to end."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(sys.argv[2], options, providers=["CPUExecutionProvider"])

    @batch  # type: ignore[untyped-decorator]
    def infer(features: Any) -> list[Any]:
        return list(session.run(None, {"features": features}))

    config = TritonConfig(
        http_address="127.0.0.1", http_port=int(sys.argv[1]), grpc_address="127.0.0.1",
        grpc_port=free_port(), metrics_address="127.0.0.1", metrics_port=free_port(),
    )  # fmt: skip
    with Triton(config=config) as triton:
        triton.bind(
            model_name="tabular", infer_func=infer,
            inputs=[Tensor(name="features", dtype=np.float32, shape=(80,))],
            outputs=[Tensor(name="score", dtype=np.float32, shape=(1,))],
            config=ModelConfig(max_batch_size=512, batcher=DynamicBatcher(max_queue_delay_microseconds=0)),
        )  # fmt: skip
        triton.serve()


if __name__ == "__main__":
    main()
