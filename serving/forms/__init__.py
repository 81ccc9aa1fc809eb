"""Friendly forms of a model's tensors: pictures, texts and seeds in place of numbers."""
