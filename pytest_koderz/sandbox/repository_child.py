"""The child that holds a repository with a candidate in its place and runs pytest there; its word could be forged."""

from __future__ import annotations

import gc
import os
import random
import socket
import sys
from contextlib import suppress
from importlib.util import cache_from_source
from typing import Any

from . import private_mounts
from .channel import Channel
from .trial_child import Trials
from .watched_run import WatchedRun
from .witness import Witness

_NEVER = ("koderz", "cacheprovider", "randomly", "random_order", "rerunfailures", "stepwise", "pastebin", "junitxml")
"""Plugins that would be another tool's, or whose order or second tries would be no verdict."""


class RepositoryChild:
    """Made in the zygote; each child of it takes one order."""

    def __init__(self, sock: socket.socket, folder: str) -> None:
        self._channel = Channel(sock, None, objects=True)
        self._folder = folder
        self._order: dict[str, Any] = {}
        _keep_loaded()

    def take(self) -> None:
        """Receive the order, and put the candidate's file where it belongs, while that can still be done."""
        self._order = self._channel.recv()
        path, source = self._order["path"], self._order["source"].encode(errors="surrogatepass")
        if path:
            private_mounts.replace_file(path, source, self._folder)
            for kept in _compiled(path):
                private_mounts.cover(kept)

    def serve(self) -> None:
        """Run the tests, tell what came of each, and stay to be measured."""
        order = self._order
        self._channel.send(["placed"])
        _settle(order, self._folder)
        watch = WatchedRun(order["path"], order["written"], order["tests_files"], order["root"], order["answered"])
        witness = Witness(order["ids"], order["path"], watch if order["watched"] else None, first=order["first"])
        if order.get("trials"):
            self._try(witness, watch, order)
            return
        ended = _run([witness], watch, order, witness)
        for stream in (sys.__stdout__, sys.__stderr__):
            with suppress(BaseException):
                stream.flush()  # type: ignore[union-attr]  # both are there
        self._channel.send(["ended"])
        token = self._channel.recv()  # which nobody could send before
        self._channel.send({"token": token, "whole": ended, **witness.told(), "tampering": watch.found})
        self._channel.recv()  # to be measured while it lives; the supervisor never answers

    def _try(self, witness: Witness, watch: WatchedRun, order: dict[str, Any]) -> None:
        """Take one order after the other, until there is nobody to give any."""
        silent = os.open(os.devnull, os.O_WRONLY)
        for number in (1, 2):
            os.dup2(silent, number)
        trials = Trials(self._channel, witness, self._folder, order["seed"])
        _run([witness, trials], watch, order, witness)


def _keep_loaded() -> None:
    """Have pytest take its plugins as they have been imported, without a warning that it could not rewrite them."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] not in sys.stdlib_module_names:
            module.__doc__ = f"{module.__doc__ or ''} PYTEST_DONT_REWRITE"
    gc.freeze()  # pytest collects garbage several times, and nothing of this is any


def _compiled(path: str) -> list[str]:
    """What may hold another module's bytecode than that of the file's present text."""
    folder, name = os.path.split(cache_from_source(path))
    with suppress(OSError):
        stem = os.path.basename(path).removesuffix(".py")  # noqa: PTH119 - pathlib is heavy
        names = os.listdir(folder)  # noqa: PTH208 - likewise
        return [f"{folder}/{each}" for each in names if each.startswith(f"{stem}.")]
    return [f"{folder}/{name}"]


def _settle(order: dict[str, Any], folder: str) -> None:
    """Be as pytest finds itself in the repository's own folder, with nothing of ours or of other copies imported."""
    os.chdir(order["root"])
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = f"{folder}/hypothesis"
    sys.dont_write_bytecode = True
    sys.argv[:] = ["pytest"]
    sys.path[:] = [*order["imports"], *sys.path]
    for name in list(sys.modules):
        if name.partition(".")[0] in order["packages"]:
            del sys.modules[name]
    random.seed(order["seed"])


def _run(plugins: list[object], watch: WatchedRun, order: dict[str, Any], witness: Witness) -> bool:
    """Whether pytest came to its own end."""
    import pytest

    arguments = [*order["files"], *order["options"], f"--rootdir={order['root']}", "-q", "--tb=short", "--no-header"]
    # Keys of the plugins that are left out are unknown then, which a repository may have made an error.
    arguments += [f"-pno:{name}" for name in _NEVER] + ["-Wignore::pytest.PytestConfigWarning"]
    # What cannot be collected is told and no pass, and the others are run.
    arguments += ["--continue-on-collection-errors"]
    arguments += ["-n0"] * _is_there("xdist") + ["--hypothesis-seed=0"] * bool(order["hypothesis"])
    try:
        with watch.watching(everything=order["watched"]):
            pytest.main(arguments, plugins=plugins)
    except BaseException as error:  # noqa: BLE001 - sys.exit() and pytest.exit() are the candidate's doing as well
        witness.broken(f"{type(error).__name__}: {error}")
        return False
    return witness.ended


def _is_there(name: str) -> bool:
    from importlib.util import find_spec

    return find_spec(name) is not None
