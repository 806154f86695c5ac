"""cortex: what experiments did, kept in an MCP memory server and read back from it."""

from .cortex import Cortex, deliver_spools, open_cortex
from .delivery import Delivery

__all__ = ["Cortex", "Delivery", "deliver_spools", "open_cortex"]
