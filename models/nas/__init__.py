"""Search for architectures: spaces, what is true of them, and methods that are judged by it."""
