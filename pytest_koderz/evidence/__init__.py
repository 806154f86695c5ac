"""What may be claimed from experiments."""
