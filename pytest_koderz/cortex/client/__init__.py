"""The client: what experiments tell and ask, queued, delivered to the memory server and verified."""
