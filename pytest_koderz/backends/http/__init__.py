"""How a model server is asked over HTTP: limits, retries, rest."""
