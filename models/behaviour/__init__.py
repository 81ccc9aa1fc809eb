"""Behavioural tests of a model for tables: the same on the Python path, the graph and the live endpoint."""
