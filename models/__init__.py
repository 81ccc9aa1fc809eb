"""Tables, images, text to weights to ONNX: tasks, the trainer, the zoo, studies and export."""
