"""In a worker of a Dask cluster: whether it is fit, and how what is asked there gets to the client."""

from __future__ import annotations

import pickle
from concurrent.futures import Future
from contextlib import suppress
from importlib.metadata import version
from itertools import count
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from .far_world import close_workshop, perform
from .orders import Ending, Question, Response, Terms, Tree

if TYPE_CHECKING:
    from distributed import WorkerPlugin

PULSE = 5.0
"""Seconds without an answer after which a worker asks the scheduler whether its client is still there."""


def inspector(name: str, terms: Terms, trees: frozenset[Tree]) -> WorkerPlugin:
    """What looks at each worker, late ones too, and tells of it under *name*. Its class is defined here so that it goes
    as it is: one whose worker lacks our package must be able to say so.
    """
    from distributed import WorkerPlugin

    ours, asked, benchmark_id = version("pytest-koderz"), pickle.dumps((terms, trees)), terms.benchmark_id

    class Inspector(WorkerPlugin):  # type: ignore[misc]  # Dask's, which tells no types
        fault = ""
        """Why the worker could not come to the client's results. Empty: it could."""

        def setup(self, worker: Any) -> None:
            try:
                there = version("pytest-koderz")
                if there != ours:
                    # What is asked is another version's, which it might not even read.
                    self.fault = f"pytest-koderz {there} there, {ours} here"
                else:
                    from pytest_koderz.session.cluster.inspection import fault_here

                    self.fault = fault_here(*pickle.loads(asked))  # noqa: S301 - Dask's own way
            except ImportError as missing:
                self.fault = f"pytest-koderz is not there ({missing})"
            except Exception as broken:  # noqa: BLE001 - whatever it is, the worker is not fit
                self.fault = f"{type(broken).__name__}: {broken}"
            worker.log_event(name, (worker.address, self.fault))

        def teardown(self, worker: Any) -> None:  # noqa: ARG002 - as Dask calls it
            if not self.fault:
                from pytest_koderz.session.cluster.dask_worker import forget

                forget(name, benchmark_id)

    return Inspector()


FAREWELL = None
"""Instead of a question or an answer: there will be no more. Whoever takes them waits without a limit of time, since a
scheduler in this process would parse code to tell of each that was passed, which another thread may be at.
"""


class Wire:
    """From a worker's process to the client and back. Several threads may use it."""

    def __init__(self, name: str, client_id: str) -> None:
        from distributed import Queue, get_client

        self._client = get_client()
        self._client_id = client_id
        self._back = f"{name}-{uuid4().hex[:12]}"
        self._out, self._in = Queue(name, client=self._client), Queue(self._back, client=self._client)
        self._waiting: dict[int, Future[bytes]] = {}
        self._numbers = count()
        Thread(target=self._receive, name="koderz-wire", daemon=True).start()

    def send(self, question: Question) -> Response:
        number, content = next(self._numbers), Future[bytes]()
        self._waiting[number] = content
        self._out.put((self._back, number, pickle.dumps(question)))
        while True:
            with suppress(TimeoutError):
                response: Response = pickle.loads(content.result(PULSE))  # noqa: S301 - Dask's own way
                return response
            if not self._is_heard():
                return Response(stopped=True)

    def _is_heard(self) -> bool:
        client_id = self._client_id
        heard: bool = self._client.run_on_scheduler(lambda dask_scheduler: client_id in dask_scheduler.clients)
        return heard

    def _receive(self) -> None:
        with suppress(Exception):  # the process ends
            for number, content in iter(self._in.get, FAREWELL):
                self._waiting.pop(number).set_result(content)


_wires: dict[str, Wire] = {}
_wiring = Lock()


def performed(order: bytes, name: str, client_id: str) -> Ending:
    """What comes of the pickled *order*."""
    from distributed import get_worker

    with _wiring:
        if name not in _wires:
            _wires[name] = Wire(name, client_id)
    return perform(pickle.loads(order), _wires[name].send, get_worker().address)  # noqa: S301 - Dask's own way


def forget(name: str, benchmark_id: str) -> None:
    """The client's run is over."""
    _wires.pop(name, None)
    close_workshop(benchmark_id)
