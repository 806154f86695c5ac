"""The memory server of experiments."""
