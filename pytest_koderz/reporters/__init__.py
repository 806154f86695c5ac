"""Where experiments are written to."""
