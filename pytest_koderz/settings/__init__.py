"""koderz.yaml, the environment and the command line, as one checked value."""
