"""Several arms held against one control: the first is judged alone, the others share a level."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def holm(p_values: Sequence[float], alpha: float, level: Callable[[float], float] = lambda share: share) -> list[bool]:
    """Which hypotheses are rejected, where the chance to reject any true one is to be *alpha* at most.

    Holm (1979), Scand. J. Stat. 6:65-70. *level* turns a share of alpha into the level of a test: with several looks
    that of the current one, as in the group sequential Holm procedure of Ye, Li, Liu and Yao (2013), Stat. Med.
    32:1112-1124. Agrees with `statsmodels.stats.multitest.multipletests(..., method="holm")`.
    """
    rejected = [False] * len(p_values)
    for step, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if p_values[place] > level(alpha / (len(p_values) - step)):
            break
        rejected[place] = True
    return rejected
