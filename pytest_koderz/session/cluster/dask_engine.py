"""Experiments on the workers of a Dask cluster: what they ask goes through its scheduler, by queues."""

from __future__ import annotations

import logging
import os
import pickle
import platform
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING
from uuid import uuid4

from pytest_koderz.backends.backend import Identity
from pytest_koderz.core.errors import InfrastructureError
from pytest_koderz.files.usage_error import UsageError

from .dask_worker import FAREWELL, inspector
from .desk import Desk
from .inspection import identities_there
from .orders import Ending, Order, Response, Terms, Tree

if TYPE_CHECKING:
    from distributed import Client, Queue
    from distributed import Future as Task

CONNECT_SECONDS = 30
"""Within which a scheduler, and then one worker at least, must be there."""
LEFT_SECONDS = 300
"""For which a run waits for another worker when none is left: a batch system may have to start one."""
BEAT = 1.0
"""Seconds between two looks at which workers are left, and whether the run was stopped."""
MOST_AT_ONCE = 2048
"""Questions that are answered at the same time: some wait for others."""


class DaskEngine:
    """An Engine. Raises UsageError for a cluster that is not there, or not fit."""

    def __init__(self, name: str, terms: Terms, desk: Desk, jobs: int | None) -> None:
        """*name* is `dask`, for a cluster of this machine, or a scheduler's address; *jobs* is how many experiments
        are wanted at once.
        """
        from distributed import Queue

        self._desk = desk
        self._terms = terms
        self._name = f"koderz-{uuid4().hex[:12]}"
        self._closing = Event()
        self._opened = ExitStack()
        self._fit: set[str] = set()
        """Workers, by address, that were looked at and found fit."""
        self._alone: float | None = None
        """Since when somebody waits for one of them. None: nobody does."""
        self._lock = Lock()
        self._opened.enter_context(_quiet("distributed"))
        try:
            self._client = self._connected(name, jobs)
            self._client.subscribe_topic(self._name, self._told)
            self._questions = Queue(self._name, client=self._client)
            self.inspect(frozenset())
            self.jobs = sum(self._client.nthreads().values())
        except BaseException:
            self._opened.close()
            raise
        self._threads = [Thread(target=each, name="koderz-dask", daemon=True) for each in (self._answer, self._watch)]
        for thread in self._threads:
            thread.start()

    def inspect(self, trees: frozenset[Tree]) -> None:
        """Have each worker looked at, late ones too, for *trees* besides what all need.

        Raises UsageError for one that could not come to the same results.
        """
        self._check_pythons()
        self._client.register_plugin(inspector(self._name, self._terms, trees), self._name)
        name = self._name
        # Defined here, so that it goes as it is: a worker may lack our package.
        found = self._client.run(
            lambda dask_worker: getattr(dask_worker.plugins.get(name), "fault", None), on_error="ignore"
        )
        for address, fault in sorted(found.items()):
            if fault:
                raise UsageError(_refusal(address, fault))
        # One that has just come tells of itself, as late ones do.
        self._fit.update(address for address, fault in found.items() if fault == "")

    def identities(self) -> dict[str, Identity]:
        """What the servers of the models say to the workers, by model."""
        told = self._client.run(identities_there, self._terms, workers=list(self._fit), on_error="ignore").values()
        return {model.name: sum((each[model.name] for each in told), Identity()) for model in self._terms.models}

    def run(self, order: Order) -> Ending:
        from distributed import CancelledError, KilledWorker

        try:
            while not self._desk.stopping:
                workers = self._left()
                if not workers:
                    self._closing.wait(BEAT)
                    continue
                with self._given(order, workers) as task:
                    if self._is_done(task, order, workers):
                        ending: Ending = task.result()
                        return ending
        except (KilledWorker, CancelledError, OSError) as fault:
            why = str(fault).partition("\n")[0]
            raise InfrastructureError(f"the cluster lost it: {why}") from None
        return None

    def close(self) -> None:
        self._closing.set()
        with suppress(Exception):  # the scheduler may be gone
            self._questions.put(FAREWELL)
        for thread in self._threads:
            thread.join(CONNECT_SECONDS)
        self._opened.close()

    def _left(self) -> frozenset[str]:
        """The workers that may be given something. Raises InfrastructureError where none was left for too long."""
        with self._lock:
            if self._client.status == "closed":
                raise InfrastructureError("the Dask scheduler is gone")
            if self._fit:
                self._alone = None
            elif self._alone is None:
                self._alone = time.monotonic()
                self._desk.office.say(f"no fit worker is left; waiting {LEFT_SECONDS} s for one")
            elif time.monotonic() - self._alone > LEFT_SECONDS:
                raise InfrastructureError(f"the cluster had no fit worker left, and none came within {LEFT_SECONDS} s")
            return frozenset(self._fit)

    @contextmanager
    def _given(self, order: Order, workers: frozenset[str]) -> Iterator[Task]:
        key = f"{self._name}-{order.start.id}-{uuid4().hex[:6]}"
        task = self._client.submit(
            _performing(self._name, self._client.id), pickle.dumps(order), key=key, workers=sorted(workers)
        )
        try:
            yield task
        finally:
            with suppress(Exception):  # the scheduler may be gone
                task.cancel()

    def _is_done(self, task: Task, order: Order, workers: frozenset[str]) -> bool:
        """False: the run was stopped before it was begun, or all *workers* that might begin it were lost."""
        done = Event()
        task.add_done_callback(lambda _: done.set())
        # A result that is cut short on its way here is lost, so that nobody fetches one with a limit of time.
        while not done.wait(BEAT):
            unbegun = not self._desk.has_begun(order)
            if self._client.status == "closed" or (unbegun and (self._desk.stopping or not workers & self._fit)):
                return False
        return True

    def _connected(self, name: str, jobs: int | None) -> Client:
        from distributed import Client, LocalCluster

        if name == "dask":
            processes, threads = _shape(jobs)
            cluster = LocalCluster(
                n_workers=processes,
                threads_per_worker=threads,
                dashboard_address=None,
                silence_logs=logging.CRITICAL + 1,
            )
            self._opened.callback(cluster.close)
            name = cluster.scheduler_address
        try:
            client = Client(name.replace("dask://", "tcp://"), timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as fault:
            raise UsageError(f"--koderz-executor: no Dask scheduler answers at {name}: {fault}") from None
        self._opened.callback(client.close)
        self._opened.callback(self._unregister, client)
        try:
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        except TimeoutError:
            what = f"the Dask scheduler at {name} has no worker, and none came within {CONNECT_SECONDS} s"
            raise UsageError(f"--koderz-executor: {what}; start one with `dask worker {name}`") from None
        return client

    def _unregister(self, client: Client) -> None:
        with suppress(Exception):  # it may not have come to that, or the scheduler may be gone
            client.unregister_worker_plugin(self._name)

    def _check_pythons(self) -> None:
        """What is sent to be run cannot be read by another one. Raises UsageError."""
        here = platform.python_version()
        for address, there in self._client.get_versions()["workers"].items():
            python = there["host"]["python"].removesuffix(".final.0")
            if python.split(".")[:2] != here.split(".")[:2]:
                raise UsageError(_refusal(address, f"Python {python} there, {here} here"))

    def _told(self, event: tuple[float, tuple[str, str]]) -> None:
        """By a worker that was looked at."""
        address, fault = event[1]
        if fault:
            self._fit.discard(address)
            self._desk.office.complain(f"{_refusal(address, fault)}; it is given nothing")
        else:
            self._fit.add(address)

    def _answer(self) -> None:
        """Take the workers' questions, and answer each in a thread of its own: some wait for others."""
        from distributed import Queue

        replies: dict[str, Queue] = {}
        with ThreadPoolExecutor(MOST_AT_ONCE, "koderz-desk") as pool, suppress(Exception):  # the scheduler may be gone
            for back, number, content in iter(self._questions.get, FAREWELL):
                if back not in replies:
                    replies[back] = Queue(back, client=self._client)
                pool.submit(self._answer_one, replies[back], number, content)
            for reply in replies.values():
                reply.put(FAREWELL)

    def _answer_one(self, back: Queue, number: int, content: bytes) -> None:
        response = self._desk.answer(pickle.loads(content))  # noqa: S301 - Dask's own way
        with suppress(OSError, RuntimeError):  # nobody is there any more
            back.put((number, _pickled(response)))

    def _watch(self) -> None:
        """What a lost worker had in hand is not held until another one comes to it."""
        while not self._closing.wait(BEAT):
            busy, fit = self._desk.places, frozenset(self._fit)
            with suppress(Exception):  # the scheduler may be gone
                there = self._client.nthreads().keys()
                self._fit -= fit - there
                self._desk.lose(busy - there)


def _performing(name: str, client_id: str) -> Callable[[bytes], Ending]:
    """Defined here, so that it goes as it is: the scheduler reads it, and may lack our package."""

    def koderz_experiment(order: bytes) -> Ending:
        from pytest_koderz.session.cluster.dask_worker import performed

        return performed(order, name, client_id)

    return koderz_experiment


def _pickled(response: Response) -> bytes:
    try:
        return pickle.dumps(response)
    except Exception as fault:  # noqa: BLE001 - a plugin's hook may give anything
        return pickle.dumps(Response(fault=InfrastructureError(f"what cannot be sent was answered: {fault}")))


def _refusal(address: str, fault: str) -> str:
    return f"--koderz-executor: worker {address}: {fault}"


def _shape(jobs: int | None) -> tuple[int, int]:
    """Processes of this machine, and threads of each, for so many experiments at once."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    processes = min(cores, jobs or cores)
    return processes, -(-(jobs or processes) // processes)


@contextmanager
def _quiet(*libraries: str) -> Iterator[None]:
    """What they log would stand amidst pytest's lines."""
    known = [logging.getLogger(name) for name in logging.root.manager.loggerDict if name.split(".")[0] in libraries]
    theirs = [each for each in known if not each.disabled]
    for each in theirs:
        each.disabled = True
    try:
        yield
    finally:
        for each in theirs:
            each.disabled = False
