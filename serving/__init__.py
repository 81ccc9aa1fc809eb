"""The serving room: ONNX bundles in, answers over HTTP out."""
