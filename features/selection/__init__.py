"""Selectors: each ranks the columns of a train table in its own way and keeps the best."""
