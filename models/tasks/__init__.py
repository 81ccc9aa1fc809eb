"""What networks learn: losses, metrics and what is served."""
