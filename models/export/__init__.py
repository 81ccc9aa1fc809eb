"""Networks and encoders to ONNX graphs, checked against the Python path."""
