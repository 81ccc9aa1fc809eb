"""Batches for the trainer."""
