"""Whether a machine comes to the same results as the client: its judge's locks, repositories, and what models need."""

from __future__ import annotations

from asyncio import gather, to_thread
from collections.abc import Iterable

from pytest_koderz.backends.backend import Identity
from pytest_koderz.core.errors import SandboxFault

from .far_world import workshop_of
from .orders import Terms, Tree


def fault_here(terms: Terms, trees: Iterable[Tree]) -> str:
    """For a worker: how it differs from the client. Empty: it is fit."""
    shop = workshop_of(terms)
    for model in terms.models:
        missing = shop.backends.of(model).fault_of(model, shop.environment)
        if missing:
            return f"model '{model.name}': {missing}"
    differing = [fault for tree in sorted(trees) if (fault := shop.fault_of_tree(tree))]
    return differing[0] if differing else _fault_of_judge(terms)


def _fault_of_judge(terms: Terms) -> str:
    try:
        judge = words_of(workshop_of(terms).sandbox())
    except SandboxFault as fault:
        return f"judge: {fault}"
    return "" if judge == terms.judge else f"judge {judge} there, {terms.judge} here"


def words_of(judge: object) -> str:
    """What holds a candidate, as it is compared."""
    return f"{getattr(judge, 'levels', '')}"


async def identities_there(terms: Terms) -> dict[str, Identity]:
    """What the servers that a worker reaches say of each model; its other work goes on meanwhile."""
    shop = workshop_of(terms)
    asked = (to_thread(shop.backends.of(each).identity, each, shop.environment) for each in terms.models)
    return dict(zip((each.name for each in terms.models), await gather(*asked), strict=True))
