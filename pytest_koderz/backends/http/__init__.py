"""How a server is asked: hosts (where), client (one call), retry (again), limits (how much), rest (not now)."""
