"""cortex: what experiments did, kept in an MCP memory server and read back from it."""

from .client.delivery import Delivery
from .client.hooks import Cortex, deliver_spools, open_cortex, owed_in
from .client.probe import probe, server_name
from .client.recalled_experiments import Recalled, recall

__all__ = [
    "Cortex",
    "Delivery",
    "Recalled",
    "deliver_spools",
    "open_cortex",
    "owed_in",
    "probe",
    "recall",
    "server_name",
]
