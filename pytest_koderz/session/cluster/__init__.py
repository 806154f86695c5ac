"""Experiments on other machines: what crosses between them and the client, who asks there, and who answers here."""

from __future__ import annotations

from .far_world import perform
from .orders import Engine, Order, Send

__all__ = ["Engine", "Order", "Send", "perform"]
