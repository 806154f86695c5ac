"""What honest programs do with files works in a scratch folder, and nothing of it reaches further."""

# ruff: noqa: E501 - a program is easiest to read in one piece

from __future__ import annotations

import errno
import json
import mimetypes
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from pytest_koderz.core.errors import SandboxFault
from pytest_koderz.core.iteration import Candidate
from pytest_koderz.core.problem import Isolation, Problem
from pytest_koderz.sandbox.file_attributes import perform
from pytest_koderz.sandbox.landlock import beside, readable
from pytest_koderz.sandbox.scratch import make, remove
from pytest_koderz.sandbox.supervisor import Judge

from .worlds import linux

BOTH = pytest.mark.parametrize("isolation", ["process-separated", "in-process"])
HONEST = {
    "touch": "p = pathlib.Path('a'); p.touch(); assert p.exists(); os.utime(p, (5, 5)); p.touch(); assert p.stat().st_mtime > 9",
    "times": "open('a', 'w').close(); os.utime('a', (1.5, 2.25)); s = os.stat('a'); assert (s.st_atime, s.st_mtime) == (1.5, 2.25)",
    "nanoseconds": "open('a', 'w').close(); os.utime('a', ns=(7, 9)); assert os.stat('a').st_mtime_ns == 9",
    "times before all time": "open('a', 'w').close(); os.utime('a', (0, -1.5)); assert os.stat('a').st_mtime == -1.5",
    "modes": "open('a', 'w').close(); os.chmod('a', 0o640); assert os.stat('a').st_mode & 0o7777 == 0o640",
    "by descriptor": "f = open('a', 'w'); os.fchmod(f.fileno(), 0o604); os.chmod(f.fileno(), 0o404); os.utime(f.fileno(), (3, 3)); s = os.fstat(f.fileno()); assert (s.st_mode & 0o777, s.st_mtime) == (0o404, 3)",
    "by folder": "os.mkdir('d'); open('d/a', 'w').close(); d = os.open('d', os.O_RDONLY); os.utime('a', (3, 3), dir_fd=d); os.chmod(pathlib.Path('a'), 0o600, dir_fd=d); assert os.stat('d/a').st_mtime == 3",
    "through a link": "open('a', 'w').close(); os.symlink(os.path.abspath('a'), 'b'); os.chmod('b', 0o611); os.utime('b', (3, 3)); assert (os.stat('a').st_mode & 0o777, os.stat('a').st_mtime) == (0o611, 3)",
    "of a link": "os.symlink('a', 'b'); os.utime('b', (3, 3), follow_symlinks=False); assert os.lstat('b').st_mtime == 3",
    "copy2": "open('a', 'w').write('x'); os.utime('a', (3, 3)); os.chmod('a', 0o604); shutil.copy2('a', 'b'); s = os.stat('b'); assert (s.st_mtime, s.st_mode & 0o777) == (3, 0o604)",
    "copytree": "os.mkdir('d'); open('d/a', 'w').close(); os.symlink('a', 'd/b'); os.chmod('d', 0o711); shutil.copytree('d', 'e', symlinks=True); assert os.stat('e').st_mode & 0o777 == 0o711",
    "move": "open('a', 'w').close(); os.mkdir('d'); shutil.move('a', 'd'); shutil.rmtree('d'); assert not os.listdir('.')",
    "archive": "open('a', 'w').write('x'); shutil.make_archive('z', 'zip', '.', 'a'); shutil.unpack_archive('z.zip', 'd'); shutil.make_archive('t', 'gztar', '.', 'a'); shutil.unpack_archive('t.tar.gz', 'e'); assert open('e/a').read() == 'x'",
    "a folder that nobody may write in": "os.mkdir('d'); os.chmod('d', 0o555); assert os.stat('d').st_mode & 0o777 == 0o555",
}  # fmt: skip
MISSING = "for call in (lambda: os.chmod('no', 0o600), lambda: os.utime('no'), lambda: os.utime('no', (1, 1))):\n    try: call()\n    except FileNotFoundError as error: assert error.filename == 'no'\n    else: assert False"  # fmt: skip
REFUSED = {
    "a library": "os.utime(os.__file__, (5, 5))",
    "a library by descriptor": "os.fchmod(os.open(os.__file__, os.O_RDONLY), 0o777)",
    "the folder above": "os.chmod('..', 0o777)",
    "through a link": "os.symlink({victim!r}, 'x'); os.chmod('x', 0o600)",
    "a set-user bit": "open('a', 'w').close(); os.chmod('a', 0o4755)",
    "a blind folder": "os.mkdir('d'); os.chmod('d', 0o300)",
    "the call itself": "open('a', 'w').close(); import posix; posix.chmod('a', 0o600)",
    "the other calls themselves": "open('a', 'w').close(); import posix; posix.utime('a', (5, 5))",
    "an owner": "open('a', 'w').close(); os.chown('a', os.getuid() + 1, -1)",
    "an attribute": "open('a', 'w').close(); os.setxattr('a', 'user.x', b'y')",
}


def _judged(judge: Judge, deed: str, isolation: Isolation) -> str:
    body = "".join(f"    {line}\n" for line in deed.splitlines())
    problem = Problem("own/files", "", "f", "def check(f): assert f() is None", isolation=isolation)
    verdict = judge(problem, Candidate(f"import os, pathlib, shutil, tempfile\ndef f():\n{body}"))
    return "" if verdict.passed else verdict.failures[0].summary


@linux
@pytest.mark.parametrize("name", HONEST)
def test_what_honest_programs_do_with_files_is_done(judge: Judge, name: str) -> None:
    """And not only said to be."""
    assert _judged(judge, HONEST[name], "in-process") == ""


@linux
def test_a_file_that_is_not_there_is_missed(judge: Judge) -> None:
    """As it is outside."""
    assert _judged(judge, MISSING, "in-process") == ""


@linux
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_done_fails(judge: Judge, name: str, tmp_path: Path) -> None:
    """And changes nothing, outside of the scratch folder least of all."""
    victim = tmp_path / "victim"
    victim.touch(0o640)
    before = victim.stat(), Path(os.__file__).stat()
    # What is outside of what it may read is not there for it, where it has a root of its own.
    fault = _judged(judge, REFUSED[name].format(victim=str(victim)), "in-process")
    assert fault.startswith(("PermissionError", "FileNotFoundError") if name == "through a link" else "PermissionError")
    for then, now in zip(before, (victim.stat(), Path(os.__file__).stat()), strict=True):
        assert (then.st_mode, then.st_mtime_ns) == (now.st_mode, now.st_mtime_ns)


@linux
def test_requests_reach_no_further_than_the_folder(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Whatever is asked for, over whichever path: what is outside stays as it is, and what is no request is an error."""
    folder, outside = tmp_path / "own", tmp_path / "owner"
    folder.mkdir()
    outside.mkdir(0o755)
    (folder / "a").touch(0o600)
    (outside / "b").touch(0o600)
    (folder / "link").symlink_to(outside)
    (folder / "back").symlink_to("a")
    holder = os.open(folder, os.O_PATH)
    request.addfinalizer(lambda: os.close(holder))
    for path in ("", "/", str(outside), f"{outside}/b", f"{folder}/../owner/b", f"{folder}/link/b", f"{folder}/link",
                 f"{folder}/back", f"{folder}//{outside}/b", f"{folder}/./../owner", "a", f"{folder}/no", f"{folder}/a\0"):  # fmt: skip
        assert perform(holder, str(folder), json.dumps(["mode", path, 0o777]).encode()) != 0, path
    assert stat.S_IMODE(outside.stat().st_mode) == 0o755
    assert stat.S_IMODE((outside / "b").stat().st_mode) == 0o600
    for said in (b"", b"{}", b"[]", b'["mode"]', b"[" * 8000, b"\xff", b'["mode", 5, 5]', b'[["mode"], "x", 5]',
                    *(json.dumps([verb, f"{folder}/a", *more]).encode() for verb, more in (
                        ("mode", []), ("mode", [1.5]), ("mode", [True]), ("mode", [10**30]), ("times", [1]), ("times", [10**40, 1]), ("x", [1])
                    ))):  # fmt: skip
        assert perform(holder, str(folder), said) != 0, said
    assert perform(holder, str(folder), json.dumps(["mode", str(folder / "a"), 0o2600]).encode()) == errno.EPERM


_SPEAKS = """
import os, socket
desk = socket.socket(fileno=4)
sent = desk.send(b"x" * 9000) if {large} else desk.send({said!r})
desk.settimeout(5)
{then}
"""


@linux
@pytest.mark.parametrize(
    ("said", "then"),
    [
        (b"junk", "assert int.from_bytes(desk.recv(9), 'big')"),
        (b'["mode","/",511]', "assert int.from_bytes(desk.recv(9), 'big')"),
        (b"", "assert desk.recv(9) == b'' or True"),
        (b"x", "desk.close()"),
        (b"x", "os.close(4); import threading; threading.Thread(target=lambda: None).start()"),
        (b"x", "[desk.send(b'x') for _ in range(100)]"),
    ],
)
def test_whoever_asks_otherwise_gets_an_answer_or_none_and_the_verdict_comes(
    judge: Judge, said: bytes, then: str
) -> None:
    """The supervisor neither waits for such a candidate nor breaks."""
    assert _judged(judge, _SPEAKS.format(large=False, said=said, then=then), "in-process") == ""
    assert _judged(judge, _SPEAKS.format(large=True, said=said, then="pass"), "in-process") == ""


BOTH_WAYS = {
    "a temporary file": "f = tempfile.NamedTemporaryFile('w+'); f.write('x'); f.flush(); assert os.path.getsize(f.name) == 1",
    "a temporary folder": "with tempfile.TemporaryDirectory() as d: open(d + '/a', 'w').close()",
    "a home": "assert pathlib.Path.home().is_dir() and os.path.expanduser('~') == str(pathlib.Path.home())",
    "a place to work in": "open('a', 'w').write('x'); assert os.listdir('.') == ['a'] and '-' not in os.getcwd()",
    "types of files": "import mimetypes; assert mimetypes.guess_type('a.html') == ('text/html', None)",
    "a data base": "import sqlite3; c = sqlite3.connect('a.db'); c.execute('create table t (n)'); c.execute('insert into t values (1)'); c.commit(); assert sqlite3.connect('a.db').execute('select n from t').fetchall() == [(1,)]",
    "a data base in another way": "import sqlite3; c = sqlite3.connect('a.db'); c.execute('pragma journal_mode=truncate'); c.execute('create table t (n)'); c.commit(); c.close()",
    "a file's lock": "import fcntl; f = open('a', 'w'); fcntl.flock(f, fcntl.LOCK_EX); fcntl.flock(f, fcntl.LOCK_UN); fcntl.lockf(f, fcntl.LOCK_EX); fcntl.lockf(f, fcntl.LOCK_UN)",
    "a lock that another has": "import fcntl; f, g = open('a', 'w'), open('a', 'w'); fcntl.flock(f.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)\ntry: fcntl.flock(g, fcntl.LOCK_EX | fcntl.LOCK_NB)\nexcept BlockingIOError: pass\nelse: assert False\nf.close(); fcntl.flock(g, fcntl.LOCK_EX | fcntl.LOCK_NB)",
    "a copy": "open('a', 'w').close(); os.utime('a', (3, 3)); shutil.copy2('a', 'b'); assert os.stat('b').st_mtime == 3",
}  # fmt: skip
REFUSED_LOCKS = {
    "on a library": "fcntl.flock(open(os.__file__), fcntl.LOCK_EX)",
    "on a library by record": "fcntl.lockf(os.open(os.__file__, os.O_RDONLY), fcntl.LOCK_EX)",
    "to be told of": "fcntl.fcntl(os.open(os.__file__, os.O_RDONLY), fcntl.F_GETLK, b'\\0\\0\\0\\0' + bytes(28))",
    "to be told of, the other way": "fcntl.fcntl(os.open(os.__file__, os.O_RDONLY), 36, b'\\0\\0\\0\\0' + bytes(28))",
    "by the call itself": "n = ctypes.CDLL(None, use_errno=True).flock(os.open(os.__file__, os.O_RDONLY), 2); assert n; raise OSError(ctypes.get_errno(), '')",
}


@linux
@BOTH
@pytest.mark.parametrize("name", BOTH_WAYS)
def test_what_honest_programs_ask_for_is_there_in_both_modes(judge: Judge, name: str, isolation: Isolation) -> None:
    """Made from what the answers of data sets do."""
    assert _judged(judge, BOTH_WAYS[name], isolation) == ""


@linux
@pytest.mark.parametrize("name", REFUSED_LOCKS)
def test_no_lock_is_seen_or_held_on_what_all_may_read(judge: Judge, name: str) -> None:
    """Candidates that run at the same time could tell each other something by it."""
    deed = f"import ctypes, fcntl\ntry: {REFUSED_LOCKS[name]}\nexcept OSError as error: assert error.errno in (1, 9)\nelse: assert False"
    assert _judged(judge, deed, "in-process") == ""


@linux
@BOTH
def test_no_candidate_sees_what_another_has_written(plain_judge: Judge, isolation: Isolation) -> None:
    """Neither the names of the folders of others nor what is in them; its own it sees."""
    other = Path(plain_judge._pool.factory(isolation, ())._server.scratch, "1")
    other.mkdir(exist_ok=True)
    (other / "told").write_text("secret")
    deed = (
        "other = '../../1'\n"
        "for look in (lambda: os.listdir('../..'), lambda: os.listdir(other), lambda: open(other + '/told').read(),\n"
        "             lambda: open(other + '/told', 'a'), lambda: os.unlink(other + '/told'), lambda: os.rename(other, 'b'),\n"
        "             lambda: os.link(other + '/told', 'a'), lambda: os.chmod(other, 0), lambda: open(other + '/new', 'w'),\n"
        "             lambda: open('../new', 'w'), lambda: os.rename('../files', '../new'), lambda: os.chmod('..', 0)):\n"
        "    try: look()\n"
        "    except OSError: pass\n"
        "    else: assert False\n"
        "assert os.listdir('.') == [] and os.listdir('..') == ['files']"
    )
    assert _judged(plain_judge, deed, isolation) == ""
    assert (other / "told").read_text() == "secret"


@linux
@BOTH
def test_a_folder_is_new_for_each_candidate(judge: Judge, isolation: Isolation) -> None:
    """Its inodes are counted from the beginning, it has no neighbour, and nobody could leave anything beside it."""
    deed = (
        "open('a', 'w').write('x')\nstatus = os.stat('a')\n"
        "assert status.st_ino == 2 and os.listdir('.') == ['a'] and os.listdir('..') == ['files']\n"
        "for leave in (lambda: open('../b', 'w'), lambda: os.mkdir('../b'), lambda: os.rename('.', '../b')):\n"
        "    try: leave()\n"
        "    except OSError: pass\n"
        "    else: assert False"
    )
    if judge.levels.missing:
        pytest.skip(f"the system lacks {judge.levels.missing}")
    assert [_judged(judge, deed, isolation) for _ in range(3)] == [""] * 3


HOARDS = {
    "unlinked": "fd = os.open('a', os.O_RDWR | os.O_CREAT); os.unlink('a')",
    "linked": "fd = os.open(str(n), os.O_RDWR | os.O_CREAT)",
    "mapped": "fd = os.open(str(n), os.O_RDWR | os.O_CREAT); os.ftruncate(fd, 15 << 20); kept.append(mmap.mmap(fd, 15 << 20))",
}


@linux
@pytest.mark.parametrize("kind", HOARDS)
def test_the_kernel_bounds_what_a_candidate_holds_in_files(judge: Judge, kind: str) -> None:
    """Whether they have names any more or not, however fast it is, and where it is judged beside the tests too."""
    if judge.levels.missing:
        pytest.skip(f"the system lacks {judge.levels.missing}")
    deed = (
        "import mmap\nkept, held = [], 0\n"
        f"try:\n    for n in range(50):\n        {HOARDS[kind]}\n"
        "        for _ in range(15): held += os.write(fd, bytes(1 << 20))\n"
        "except OSError as error: assert error.errno == 28\nassert 40 << 20 < held <= 64 << 20, held"
    )
    # Who is slow is stopped before he can tell.
    assert _judged(judge, deed, "in-process") in ("", "the process was stopped: too many or too large files")


def test_a_system_without_room_for_temporary_files_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the name of what is missing."""

    def full(prefix: str) -> str:
        raise FileNotFoundError("no usable temporary directory")

    monkeypatch.setattr("tempfile.mkdtemp", full)
    with pytest.raises(SandboxFault, match=r"no folder .* no usable temporary directory"):
        make()


def test_whoever_is_killed_while_a_folder_is_removed_leaves_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The supervisor removes what its fork server had begun to; each may be stopped after each of its steps."""
    steps = ("rename", "unlink", "rmdir")
    for stop in range(12):
        folder = tmp_path / "koderz"
        deep = folder / "1" / "files" / "a" / "b" / "c"
        deep.mkdir(parents=True)
        (deep / "file").touch()
        with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
            left = iter(range(stop))
            for name in steps:
                patched.setattr(os, name, partial(_unless_stopped, getattr(os, name), left))
            remove(str(folder))
        assert [each.name for each in tmp_path.iterdir()] in (["koderz"], [])
        remove(str(folder))
        assert not list(tmp_path.iterdir())


def _unless_stopped(call: Callable[..., None], left: Iterator[int], *values: str) -> None:
    if next(left, None) is None:
        raise KeyboardInterrupt
    call(*values)


def test_folders_that_hold_what_may_be_read_hold_no_scratch_folder() -> None:
    """The largest ones, so that they are few."""
    paths = ["/usr/lib/python/os.py", "/usr/lib/python/re.py", "/home/venv/lib/x", "/etc/x", "/home/tmp", "/home/tmp/9"]
    assert beside("/home/tmp", paths) == {"/usr", "/home/venv", "/etc"}
    assert beside("/usr/lib/tmp", ["/usr/lib/python/os.py"]) == {"/usr/lib/python"}


def test_types_of_files_are_looked_up_where_the_system_keeps_them() -> None:
    """What `mimetypes` finds there it takes for readable, so it must be."""
    assert set(mimetypes.knownfiles) <= set(readable())
