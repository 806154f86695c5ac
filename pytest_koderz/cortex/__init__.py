"""cortex: what experiments did, kept in an MCP memory server and read back from it."""

from .cortex import Cortex, RecalledGuidance, deliver_spools, open_cortex, owed_in
from .delivery import Delivery
from .presence import server_name
from .reading import recall_experiments

__all__ = [
    "Cortex",
    "Delivery",
    "RecalledGuidance",
    "deliver_spools",
    "open_cortex",
    "owed_in",
    "recall_experiments",
    "server_name",
]
