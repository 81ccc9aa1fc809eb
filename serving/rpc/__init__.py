"""The Open Inference Protocol over gRPC, for the same service as HTTP's."""
