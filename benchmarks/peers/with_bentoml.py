"""BentoML with its adaptive batching, at the protocol's path: `with_bentoml.py PORT GRAPH`."""

import os
import sys
from pathlib import Path
from typing import Any

import bentoml
import numpy as np
import onnxruntime


@bentoml.service(workers=1, traffic={"timeout": 60})
class Tabular:
    """The graph as BentoML has services."""

    def __init__(self) -> None:
        """Load the graph, in the worker."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            os.environ["GRAPH"], options, providers=["CPUExecutionProvider"]
        )

    @bentoml.api(route="/v2/models/tabular/infer")  # type: ignore[untyped-decorator]
    def infer(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        """One request of the protocol, one run: gathered ones would need an input of another form."""
        features = np.array(inputs[0]["data"], np.float32).reshape(inputs[0]["shape"])
        scores = self.session.run(None, {"features": features})[0]
        score = {
            "name": "score",
            "shape": list(scores.shape),
            "datatype": "FP32",
            "data": scores.ravel().tolist(),
        }
        return {"model_name": "tabular", "outputs": [score]}


if __name__ == "__main__":
    program = Path(sys.executable).with_name("bentoml")
    here = Path(__file__)
    os.environ |= {"GRAPH": sys.argv[2], "BENTOML_DO_NOT_TRACK": "True"}
    service = f"{here.stem}:Tabular"
    options = ["--host", "127.0.0.1", "--port", sys.argv[1], "--quiet", "--working-dir", str(here.parent)]
    os.execv(program, [str(program), "serve", service, *options])
