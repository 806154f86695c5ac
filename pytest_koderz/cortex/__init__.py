"""cortex: what experiments did, kept in an MCP memory server and read back from it."""

from .client.cortex import Cortex, deliver_spools, open_cortex, owed_in
from .client.delivery import Delivery
from .client.presence import server_name
from .client.reading import Recalled, recall

__all__ = [
    "Cortex",
    "Delivery",
    "Recalled",
    "deliver_spools",
    "open_cortex",
    "owed_in",
    "recall",
    "server_name",
]
