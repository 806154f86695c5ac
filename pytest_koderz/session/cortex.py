"""cortex as the settings name it, what becomes of a run's memories there, and what is still owed to it."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.cortex import Cortex, Delivery, deliver_spools, open_cortex
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.reporters.text import counted
from pytest_koderz.settings import Settings

from .context import BenchmarkRun
from .head import definitions_of
from .providers import worker_number
from .worker_messages import number_of_workers, tell_controller, told_by

DELIVERY_SECONDS = 30.0
"""How long the end of a session waits for cortex."""

DELIVERED = "koderz_delivery"
"""What a worker delivered, among what it tells at its end."""


def register(run: BenchmarkRun) -> CortexDelivery | None:
    """None: cortex is off. Raises UsageError for a CORTEX_PATH that is not there."""
    if not run.settings.cortex.enabled:
        return None
    server = server_of(run.settings)
    owed = None
    if run.recorded is not None and not run.is_worker:
        # What the processes of the former run still owed; there may be fewer processes now.
        owed = deliver_spools(run.folder, timeout=DELIVERY_SECONDS, **server)
    client = _open(run, server)
    delivery = CortexDelivery(client, owed, is_worker=run.is_worker)
    run.config.add_cleanup(client.close)
    run.register(client, "cortex")
    run.register(delivery, "cortex-delivery")
    return delivery


def _open(run: BenchmarkRun, server: dict[str, Any]) -> Cortex:
    # Its first worker stands for the benchmark, the only process where there are none.
    first = worker_number(run.config) == 0 and (run.is_worker or not number_of_workers(run.config))
    spool = run.folder / f"{run.process}.spool"
    # The head is still told how many items there are.
    head = ChainMap(run.head, definitions_of(run.settings)) if first else None
    return open_cortex(spool=spool, head=head, complain=partial(_tell_now, run), **server)


def _tell_now(run: BenchmarkRun, what: str) -> None:
    """While the run goes on: a worker has no terminal, and what it complains of comes with its next report."""
    if run.is_worker:
        run.benchmark.hooks.complaints[what] += 1
    else:
        run.say(f"warning: {what}")


class CortexDelivery:
    """Stores how experiments ended, and adds up at the end what all processes delivered."""

    def __init__(self, client: Cortex, delivered: Delivery | None, *, is_worker: bool) -> None:
        """*delivered* is what was, before the session began."""
        self._client = client
        self._delivered = delivered
        self._is_worker = is_worker
        self._silent: set[str] = set()
        """xdist's workers that were started and have not told what they delivered."""

    def describe(self) -> str:
        return self._client.describe()

    def pytest_koderz_ended(self, experiment: Experiment) -> None:
        self._client.store_result(experiment)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Before xdist sends a worker's output."""
        delivered = self._add(self._client.deliver(DELIVERY_SECONDS))
        if self._is_worker:
            tell_controller(session.config, DELIVERED, asdict(delivered))

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        self._silent.add(node.gateway.id)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        plain = told_by(node, DELIVERED)
        if plain is not None:
            self._silent.discard(node.gateway.id)
            self._add(Delivery.of(plain))

    def lines(self) -> Iterator[str]:
        if self._delivered is not None:
            yield from delivery_lines(self._delivered, silent=len(self._silent))

    def _add(self, delivery: Delivery) -> Delivery:
        self._delivered = delivery if self._delivered is None else self._delivered + delivery
        return self._delivered


def server_of(settings: Settings) -> dict[str, Any]:
    """What the functions of the cortex room want to know. Raises UsageError for a CORTEX_PATH that is not there."""
    path = settings.environment.get("CORTEX_PATH") or None
    if path is not None and not Path(path).is_file():
        raise UsageError(f"CORTEX_PATH: no such file: {path} (it should be claude-cortex-core's dist/index.js)")
    return {
        "cortex_path": path,
        # The two servers cannot read each other's files.
        "database": settings.folder / ("cortex.db" if path is None else "claude-cortex.db"),
        "project": settings.cortex.project,
        "environment": settings.environment,
    }


def delivery_lines(delivery: Delivery, silent: int = 0) -> Iterator[str]:
    """What became of the memories, but for those of so many workers that did not tell before they ended."""
    owed = f", {delivery.owed} owed (kept beside the journal)" if delivery.owed else ""
    if delivery.stored or delivery.owed or not silent:
        yield f"cortex: {delivery.stored} stored, {delivery.verified} verified{owed}"
    if silent:
        unsaid = f"what {counted(silent, 'worker')} stored is not known, since they were cut short"
        yield f"cortex: {unsaid}; pytest --koderz-cortex-sync delivers what is owed"
    if delivery.missing:
        yield f"cortex: {len(delivery.missing)} missing, such as {delivery.missing[0]!r}"
    # Elsewhere a fault has to say whose it is.
    yield from (f"cortex: {warning.removeprefix('cortex ')}" for warning in delivery.warnings)
