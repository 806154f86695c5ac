"""cortex: what experiments did, kept in an MCP memory server and read back from it."""

from .cortex import Cortex, deliver_spools, open_cortex, owed_in
from .delivery import Delivery
from .presence import server_name
from .reading import Recalled, recall

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
