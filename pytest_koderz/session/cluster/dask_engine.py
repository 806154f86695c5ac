"""Experiments on the workers of a Dask cluster: what they ask goes through its scheduler, by queues."""

from __future__ import annotations

import logging
import os
import pickle
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pytest_koderz.core.errors import InfrastructureError
from pytest_koderz.files.usage_error import UsageError

from .desk import Desk
from .far_world import close_workshop, perform
from .inspection import facts_here
from .orders import Ending, Order, Question, Response, Terms

if TYPE_CHECKING:
    from distributed import Client, LocalCluster, Queue, WorkerPlugin

CONNECT_SECONDS = 30
"""Within which a scheduler, and then one worker at least, must be there."""
BEAT = 1.0
"""Seconds between two looks at which workers are left, and whether the run was stopped."""
PULSE = 15.0
"""Seconds after which a worker asks a silent client whether it is still there."""
SILENCE = 120.0
"""Seconds without a word after which a worker takes its client for gone."""
MOST_AT_ONCE = 2048
"""Questions that are answered at the same time: some wait for others."""


class DaskEngine:
    """An Engine. Raises UsageError for a cluster that is not there, or not fit."""

    def __init__(self, name: str, terms: Terms, desk: Desk, jobs: int | None, warn: Callable[[str], None]) -> None:
        """*name* is `dask`, for a cluster of this machine, or a scheduler's address; *jobs* is how many experiments
        are wanted at once. *warn* is told of workers that come later and are not fit.
        """
        self._desk = desk
        self._terms = terms
        self._warn = warn
        self._name = f"koderz-{uuid4().hex[:12]}"
        self._closing = Event()
        self._cluster: LocalCluster | None = None
        self._levels = _silenced()
        try:
            self._client = self._connected(name, jobs)
            self._inspect()
            self.jobs = sum(self._client.nthreads().values())
        except BaseException:
            self._leave()
            raise
        self._threads = [Thread(target=each, name="koderz-dask", daemon=True) for each in (self._answer, self._watch)]
        for thread in self._threads:
            thread.start()

    def run(self, order: Order) -> Ending:
        from distributed import CancelledError, KilledWorker

        task = self._client.submit(
            _perform, order, self._name, key=f"{self._name}-{order.start.id}-{uuid4().hex[:6]}", resources=self._need
        )
        try:
            while True:
                try:
                    ending: Ending = task.result(timeout=BEAT)
                except TimeoutError:
                    if self._desk.stopping and not self._desk.has_begun(order):
                        return None
                    continue
                return ending
        except (KilledWorker, CancelledError, OSError) as fault:
            raise InfrastructureError(f"the cluster lost it: {fault}") from None
        finally:
            task.cancel()

    def close(self) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join()
        self._leave()

    @property
    def _need(self) -> dict[str, int]:
        """What only workers have that were found fit."""
        return {self._name: 1}

    def _connected(self, name: str, jobs: int | None) -> Client:
        from distributed import Client, LocalCluster

        if name == "dask":
            processes, threads = _shape(jobs)
            self._cluster = LocalCluster(
                n_workers=processes,
                threads_per_worker=threads,
                dashboard_address=None,
                silence_logs=logging.CRITICAL + 1,
            )
            name = self._cluster.scheduler_address
        try:
            client = Client(name.replace("dask://", "tcp://"), timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as fault:
            raise UsageError(f"--koderz-executor: no Dask scheduler answers at {name}: {fault}") from None
        self._client = client
        try:
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        except TimeoutError:
            what = f"the Dask scheduler at {name} has no worker, and none came within {CONNECT_SECONDS} s"
            raise UsageError(f"--koderz-executor: {what}; start one with `dask worker {name}`") from None
        return client

    def _inspect(self) -> None:
        """Raises UsageError for a worker that could not come to the same results."""
        here = facts_here(self._terms)
        for address, there in self._client.get_versions()["workers"].items():
            python = there["host"]["python"].rpartition(".final")[0] or there["host"]["python"]
            if python.split(".")[:2] != here.python.split(".")[:2]:
                raise UsageError(_refusal(address, f"Python {python} there, {here.python} here"))
        self._client.subscribe_topic(self._name, self._told)
        self._client.register_plugin(_inspector(self._name, self._terms), self._name)
        name = self._name
        # Defined here, so that it goes as it is: a worker may lack our package.
        found = self._client.run(lambda dask_worker: dask_worker.plugins[name].fault)
        for address, fault in sorted(found.items()):
            if fault:
                raise UsageError(_refusal(address, fault))

    def _told(self, event: tuple[float, Any]) -> None:
        address, fault = event[1]
        if hasattr(self, "jobs"):
            self._warn(f"{_refusal(address, fault)}; it is given nothing")

    def _answer(self) -> None:
        """Take the workers' questions, and answer each in a thread of its own: some wait for others."""
        from distributed import Queue

        replies: dict[str, Queue] = {}
        questions = Queue(self._name, client=self._client)
        with ThreadPoolExecutor(MOST_AT_ONCE, "koderz-desk") as pool:
            while not self._closing.is_set():
                with suppress(TimeoutError):
                    back, number, content = questions.get(timeout=BEAT)
                    if back not in replies:
                        replies[back] = Queue(back, client=self._client)
                    pool.submit(self._answer_one, replies[back], number, content)

    def _answer_one(self, back: Queue, number: int, content: bytes) -> None:
        answer = None if not content else self._desk.answer(pickle.loads(content))  # noqa: S301 - Dask's own way
        with suppress(OSError, RuntimeError):  # nobody is there any more
            back.put((number, b"" if answer is None else _pickled(answer)))

    def _watch(self) -> None:
        """What a lost worker had in hand is not held until another one comes to it."""
        while not self._closing.is_set():
            busy = self._desk.places
            with suppress(OSError):
                self._desk.lose(busy - self._client.nthreads().keys())
            self._closing.wait(BEAT)

    def _leave(self) -> None:
        with _logged_at(logging.CRITICAL + 1):
            client = getattr(self, "_client", None)
            if client is not None:
                with suppress(Exception):
                    client.unregister_worker_plugin(self._name)
                client.close()
            if self._cluster is not None:
                self._cluster.close()
        for name, level in self._levels.items():
            logging.getLogger(name).setLevel(level)


def _pickled(answer: Response) -> bytes:
    try:
        return pickle.dumps(answer)
    except Exception as fault:  # noqa: BLE001 - a plugin's hook may give anything
        return pickle.dumps(Response(fault=InfrastructureError(f"what cannot be sent was answered: {fault}")))


def _refusal(address: str, fault: str) -> str:
    return f"--koderz-executor: worker {address}: {fault}"


def _shape(jobs: int | None) -> tuple[int, int]:
    """Processes of this machine, and threads of each, for so many experiments at once."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    processes = min(cores, jobs or cores)
    return processes, -(-(jobs or processes) // processes)


_LOGGERS = ("distributed", "distributed.nanny", "distributed.worker", "distributed.scheduler", "distributed.core")


def _silenced() -> dict[str, int]:
    """The levels before; what Dask logs would stand amidst pytest's lines."""
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return levels


@contextmanager
def _logged_at(level: int) -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(level)
    try:
        yield
    finally:
        logging.disable(before)


def _inspector(name: str, terms: Terms) -> WorkerPlugin:
    """What looks at each worker, late ones too. It is defined here so that it goes as it is: one whose worker lacks our
    package must be able to say so, and to work for others.
    """
    from distributed import WorkerPlugin

    ours, benchmark, facts = pickle.dumps(terms), terms.benchmark_id, pickle.dumps(facts_here(terms))

    class Inspector(WorkerPlugin):  # type: ignore[misc]  # Dask's, which tells no types
        fault = ""

        async def setup(self, worker: Any) -> None:
            import pickle

            try:
                from pytest_koderz.session.cluster.inspection import fault_here

                self.fault = fault_here(pickle.loads(ours), pickle.loads(facts))  # noqa: S301
            except ImportError as missing:
                self.fault = f"pytest-koderz is not there, or is another version ({missing})"
            except Exception as broken:  # noqa: BLE001
                self.fault = f"{type(broken).__name__}: {broken}"
            if self.fault:
                worker.log_event(name, (worker.address, self.fault))
            else:
                await worker.set_resources(**{name: worker.state.nthreads})

        def teardown(self, worker: Any) -> None:  # noqa: ARG002
            if not self.fault:
                from pytest_koderz.session.cluster.dask_engine import forget

                forget(name, benchmark)

    return Inspector()


# --- in a worker


class Wire:
    """From a worker's process to the client and back. Several threads may use it."""

    def __init__(self, name: str) -> None:
        from distributed import Queue, get_client

        self.client = get_client()
        self._back = f"{name}-{uuid4().hex[:12]}"
        self._out, self._in = Queue(name, client=self.client), Queue(self._back, client=self.client)
        self._waiting: dict[int, Future[Response]] = {}
        self._numbers = count(1)
        self._heard = time.monotonic()
        self.closed = False
        Thread(target=self._receive, name="koderz-wire", daemon=True).start()

    def send(self, question: Question) -> Response:
        number, answer = next(self._numbers), Future[Response]()
        self._waiting[number] = answer
        try:
            self._out.put((self._back, number, pickle.dumps(question)))
            while True:
                with suppress(TimeoutError):
                    return answer.result(PULSE)
                if time.monotonic() - self._heard > SILENCE:
                    return Response(stopped=True)
                self._out.put((self._back, 0, b""))
        except Exception:
            # The scheduler is gone, and with it the client.
            if self.closed or time.monotonic() - self._heard > PULSE:
                return Response(stopped=True)
            raise
        finally:
            self._waiting.pop(number, None)

    def _receive(self) -> None:
        while not self.closed:
            try:
                number, content = self._in.get(timeout=PULSE)
            except TimeoutError:
                continue
            except Exception:  # noqa: BLE001 - the process ends
                return
            self._heard = time.monotonic()
            if number in self._waiting:
                self._waiting[number].set_result(pickle.loads(content))  # noqa: S301 - Dask's own way


_wires: dict[str, Wire] = {}
_wiring = Lock()


def _perform(order: Order, name: str) -> Ending:
    from distributed import get_worker

    with _wiring:
        if name not in _wires:
            _wires[name] = Wire(name)
    return perform(order, _wires[name].send, get_worker().address)


def forget(name: str, benchmark_id: str) -> None:
    """The client's run is over."""
    wire = _wires.pop(name, None)
    if wire is not None:
        wire.closed = True
    close_workshop(benchmark_id)
