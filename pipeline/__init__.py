"""The chain: the only room that knows files, parameters and order."""
