"""A memory server that means ill, launched as `node flooding.py --db FILE`: the word in FILE.kind says in which way."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

OUT = sys.stdout.buffer


def say(message: Any) -> None:
    OUT.write((message if isinstance(message, bytes) else json.dumps(message).encode()) + b"\n")
    OUT.flush()


def content(number: int, parts: list[Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "result": {"content": parts}}


def parts(number: int) -> None:
    say(content(number, [{"type": "text", "text": "a"}] * 100_000))


def long(number: int) -> None:
    say(content(number, [{"type": "text", "text": "a" * (20 << 20)}]))


def endless(number: int) -> None:
    while True:
        OUT.write(b"a" * (1 << 16))


def asking(number: int) -> None:
    for each in range(1_000_000):
        say({"jsonrpc": "2.0", "id": each, "method": "ping"})


def plain(number: int) -> None:
    say(content(number, [{"type": "text", "text": "ok"}]))


def never_ending() -> None:
    """Once its input is closed it writes without end, whatever polite signal comes."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.stdin.read()
    while True:
        OUT.write(b"a\n" * 1000)


def deaf() -> None:
    """It does nothing more, and has a child that holds its pipes."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.fork()
    time.sleep(3600)


def waiting() -> None:
    """It does nothing but say by files that it was asked, and that its input was closed."""
    database = sys.argv[sys.argv.index("--db") + 1]
    sys.stdin.readline()
    Path(f"{database}.asked").touch()
    sys.stdin.read()
    Path(f"{database}.closed").touch()
    time.sleep(3600)


LOUD = "\x1b]0;t\x07\n\u2028::error::x " * 50_000


def refusing(number: int) -> None:
    say({"jsonrpc": "2.0", "id": number, "error": {"code": 1, "message": LOUD}})


def loud(number: int) -> None:
    say(content(number, [{"type": "text", "text": LOUD}]))


def misshapen(number: int) -> None:
    say(content(number, [{"type": LOUD, "text": [LOUD]}]))


def text_of(number: int) -> str:
    return json.dumps(content(number, [{"type": "text", "text": "caf\u00e9"}]), ensure_ascii=False)


def latin(number: int) -> None:
    say(text_of(number).encode("latin-1"))


def wide(number: int) -> None:
    say(text_of(number).encode("utf-16"))


def marked(number: int) -> None:
    say(text_of(number)[:-1].encode("utf-8-sig"))


def torn(number: int) -> None:
    say(text_of(number).encode()[:-3])


def deep(number: int) -> None:
    say(b'{"jsonrpc": "2.0", "id": %d, "result": %s}' % (number, b"[" * 50_000 + b"]" * 50_000))


def batched(number: int) -> None:
    say(f"[{text_of(number)}]".encode())


def dying(number: int) -> None:
    sys.stderr.write(LOUD + "\x1b[2J\u202e" * 300)
    sys.stderr.flush()
    say(content(number, [{"type": LOUD, "text": [LOUD]}]))
    sys.exit(1)


def noisy(number: int) -> None:
    """What is no message, and what is none for us, before the answer."""
    say(b"listening ...\n\n{}\n[1]\n\xff\xfe\n{\xe9}\n" + b"[" * 10_000)
    say(b'I was told {"jsonrpc": "2.0", \xe9}')
    for _ in range(500):
        say({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x"}})
    say(content(number, [{"type": "text", "text": '[{,]},"' * 100_000}]))


CONTENTS = (parts, long, endless, asking, noisy, refusing, loud, misshapen, dying)
ENCODINGS = (latin, wide, marked, torn, deep, batched)
KINDS: dict[str, Callable[[int], None]] = {each.__name__: each for each in CONTENTS + ENCODINGS}
ENDS: dict[str, Callable[[], None]] = {each.__name__: each for each in (never_ending, deaf)}

if __name__ == "__main__":
    kind = Path(sys.argv[sys.argv.index("--db") + 1] + ".kind").read_text()
    if kind == "waiting":
        waiting()
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["method"] == "initialize":
            about = {
                "serverInfo": {"name": LOUD if kind == "loud" else "flooding", "version": "1"},
                "capabilities": {"tools": {}},
            }
            version = {"protocolVersion": asked["params"]["protocolVersion"]}
            say({"jsonrpc": "2.0", "id": asked["id"], "result": {**version, **about}})
        elif asked["method"] == "tools/list" and kind != "unlisted":
            say({"jsonrpc": "2.0", "id": asked["id"], "result": {"tools": []}})  # asked for behind the first answer
            ENDS.get(kind, int)()
        elif asked["method"] == "tools/call":
            KINDS.get(kind, plain)(asked["id"])
