"""What one writes first: FastAPI, a request model, a run of the graph a request: `naive.py PORT GRAPH`."""

import sys

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
session = onnxruntime.InferenceSession(sys.argv[2], providers=["CPUExecutionProvider"])


class Tensor(BaseModel):
    """One tensor of the protocol."""

    name: str
    shape: list[int]
    datatype: str
    data: list[float]


class Request(BaseModel):
    """A request of the protocol, as far as this app knows it."""

    inputs: list[Tensor]


@app.post("/v2/models/{name}/infer")
def infer(name: str, request: Request) -> dict[str, object]:
    """Run the graph."""
    feeds = {each.name: np.array(each.data, np.float32).reshape(each.shape) for each in request.inputs}
    (score,) = session.run(None, feeds)
    output = {"name": "score", "shape": list(score.shape), "datatype": "FP32", "data": score.ravel().tolist()}
    return {"model_name": name, "outputs": [output]}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
