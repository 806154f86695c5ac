"""The first message of a forked process, before it touches anything that is not ours."""

from __future__ import annotations

import array
import json
import os
import socket
from collections.abc import Sequence


def greet(sock: socket.socket, missing: Sequence[str] = ()) -> None:
    """Say who this is: its id, the locks it lacks, and a descriptor that never names another process."""
    greeting = json.dumps({"pid": os.getpid(), "missing": list(missing)}).encode()
    if not hasattr(os, "pidfd_open"):
        sock.sendall(greeting)
        return
    descriptor = os.pidfd_open(os.getpid())
    sock.sendmsg([greeting], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))])
    os.close(descriptor)
