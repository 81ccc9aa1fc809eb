"""MLServer with its adaptive batching, in one process: `with_mlserver.py PORT GRAPH`."""

import asyncio
import os
import sys
import tempfile
from socket import create_server
from typing import Any

import onnxruntime
from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.codecs import NumpyCodec
from mlserver.settings import ModelParameters
from mlserver.types import InferenceRequest, InferenceResponse


def free_port() -> int:
    """A port that nothing listens on."""
    with create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Tabular(MLModel):  # type: ignore[misc]
    """The graph as MLServer has models of one's own."""

    async def load(self) -> bool:
        """Load the graph."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            os.environ["GRAPH"], options, providers=["CPUExecutionProvider"]
        )
        return True

    async def predict(self, payload: InferenceRequest) -> Any:
        """Answer what may be several requests gathered."""
        scores = self.session.run(None, {"features": NumpyCodec.decode_input(payload.inputs[0])})[0]
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("score", scores)])


async def main(port: int, scratch: str) -> None:
    """Serve the graph until told to end."""
    settings = Settings(
        host="127.0.0.1", http_port=port, grpc_port=free_port(), metrics_port=free_port(),
        parallel_workers=0, environments_dir=scratch, metrics_dir=scratch,
    )  # fmt: skip
    model = ModelSettings(
        name="tabular", implementation=Tabular, max_batch_size=64, max_batch_time=0.001,
        parameters=ModelParameters(version="1"),
    )  # fmt: skip
    await MLServer(settings).start([model])


if __name__ == "__main__":
    os.environ["GRAPH"] = sys.argv[2]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        asyncio.run(main(int(sys.argv[1]), folder))
