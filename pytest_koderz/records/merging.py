"""The shards of a benchmark, joined to one benchmark that is recorded as if it had been run in one place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Any

from pytest_koderz.core.experiment import experiment_id
from pytest_koderz.files.usage_error import UsageError

from .codec import Malformed, dumped, parsed, plain
from .conditions import changes, conditions_of
from .events import Head, head_of_journal, journals_in
from .private_files import make_private_folder, open_private
from .reader import Archived, archived

OPTION = "--koderz-merge"

AGREED = (
    *("profile", "arms", "models", "problems", "sample", "epochs", "control", "margin", "grade_on", "max_cost"),
    *("prompt_version", "prompts", "control_model", "control_price", "local_rate", "purchase_price", "purchase_hours"),
    *("wrong_accept", "timeout", "memory_mb", "strict", "selection", "whole", "pytest_koderz"),
)
"""What one benchmark says once: shards that differ in it have measured two things."""


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """One shard, as its journals tell it."""

    folder: Path
    benchmark: Archived

    @property
    def part(self) -> str:
        """Such as `2/8`."""
        return self.benchmark.head.part or ""

    @property
    def number(self) -> int:
        return int(self.part.partition("/")[0])

    @property
    def parts(self) -> int:
        return int(self.part.partition("/")[2])

    def __str__(self) -> str:
        return f"shard {self.part} ({self.folder.name})"


def shards_in(folders: Iterable[Path]) -> tuple[ShardRecord, ...]:
    """By number. Each folder is a shard's, or holds some at any depth, where other benchmarks are passed over.

    Raises UsageError.
    """
    read = [ShardRecord(folder, archived(folder)) for parent in folders for folder in _found_in(parent)]
    for shard in read:
        if not shard.part:
            raise UsageError(f"{OPTION}: {shard.folder} was not run with --koderz-shard, and is part of nothing")
        if shard.benchmark.running:
            raise UsageError(f"{OPTION}: {shard} is still running; wait for its end")
    return tuple(sorted(read, key=lambda shard: (shard.number, shard.folder)))


def _found_in(folder: Path) -> Sequence[Path]:
    if not folder.is_dir():
        raise UsageError(f"{OPTION}: {folder} is no folder")
    if journals_in(folder):
        return (folder,)
    found = [path for path in sorted(folder.rglob("bench_*")) if path.is_dir() and _is_shard(path)]
    if not found:
        raise UsageError(f"{OPTION}: no shard of a benchmark in {folder}")
    return found


def _is_shard(folder: Path) -> bool:
    heads = (head_of_journal(path) for path in journals_in(folder))
    return any(head is not None and head.part is not None for head in heads)


def merge(shards: Sequence[ShardRecord], parent: Path) -> Path:
    """The folder in *parent* that holds *shards* as one benchmark; the same for the same ones.

    Raises UsageError where they are not the parts of one benchmark, each of them once.
    """
    _check_whole(shards)
    for other in shards[1:]:
        _check_agreement(shards[0], other)
    _check_apart(shards)
    folder = parent / f"bench_{_digest_of(shards)}"
    if not folder.exists():
        _write_whole(folder, shards)
    return folder


# What is refused.


def _check_whole(shards: Sequence[ShardRecord]) -> None:
    first, seen = shards[0], dict[int, ShardRecord]()
    for shard in shards:
        if shard.parts != first.parts:
            raise UsageError(f"{OPTION}: {first} and {shard} are parts of different wholes")
        if shard.number in seen:
            raise UsageError(
                f"{OPTION}: shard {shard.part} is there twice: {seen[shard.number].folder}, {shard.folder}"
            )
        seen[shard.number] = shard
    missing = [f"{number}/{first.parts}" for number in range(1, first.parts + 1) if number not in seen]
    planned = [shard.benchmark.head.planned for shard in shards]
    # A shard that has no problems leaves no record.
    if missing and (None in planned or sum(map(int, filter(None, planned))) != first.benchmark.head.whole):
        raise UsageError(f"{OPTION}: missing: shard {', '.join(missing)}")


def _check_agreement(one: ShardRecord, other: ShardRecord) -> None:
    for what in differences(one.benchmark.head, other.benchmark.head):
        raise UsageError(f"{OPTION}: {one} and {other} are not of one benchmark: {what}")


def differences(one: Head, other: Head) -> Iterator[str]:
    """Such as `margin is 0.05 and 0.1`. Where a model is asked makes none, what it is and costs does."""
    told, again = plain(one), plain(other)
    for name in AGREED:
        was, now = told.get(name), again.get(name)
        if was != now:
            yield _difference(name, was, now)
    arms = {arm.name: arm for arm in other.definitions}
    for arm in one.definitions:
        twin = arms[arm.name]
        yield from (f"arms.{arm.name}.{what}" for what in changes(conditions_of(None, arm), conditions_of(None, twin)))
        for (_, model), (_, same) in zip(arm.cast, twin.cast, strict=False):
            if model.price != same.price:
                yield f"the price of model '{model.name}'"
    if one.draws != other.draws:
        yield "draws, the secret from which tests draw; give all shards the same KODERZ_DRAWS"


def _difference(name: str, was: Any, now: Any) -> str:
    if isinstance(was, dict) and isinstance(now, dict):
        key = next(key for key in {**was, **now} if was.get(key) != now.get(key))
        return _difference(f"{name}.{key}", was.get(key), now.get(key))
    return f"{name} is {_short(was)} and {_short(now)}"


def _short(value: Any) -> str:
    text = "not given" if value is None else ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _check_apart(shards: Sequence[ShardRecord]) -> None:
    """A problem that two have was paid for twice: their suites differed."""
    owners: dict[str, ShardRecord] = {}
    for shard in shards:
        for one in shard.benchmark.experiments:
            owner = owners.setdefault(one.problem_id, shard)
            if owner is not shard:
                raise UsageError(f"{OPTION}: {owner} and {shard} both have {one.problem_id}: their suites differ")


# What is written.


def _digest_of(shards: Sequence[ShardRecord]) -> str:
    contents = [sha256(path.read_bytes()).hexdigest() for shard in shards for path in journals_in(shard.folder)]
    return sha256(" ".join(contents).encode()).hexdigest()[:8]


def _write_whole(folder: Path, shards: Sequence[ShardRecord]) -> None:
    """All of it or nothing."""
    beside = folder.with_name(f".{folder.name}.{token_hex(4)}.part")
    try:
        make_private_folder(beside)
        for shard in shards:
            ids = _new_ids(shard, folder.name)
            for path in journals_in(shard.folder):
                _copy(path, beside / f"shard-{shard.number}-{path.name}", ids, _whole_of(shards, folder.name))
        beside.rename(folder)
    except OSError as fault:
        raise UsageError(f"{OPTION}: {folder}: {fault.strerror or fault}") from None
    finally:
        with suppress(OSError):
            shutil.rmtree(beside)


def _new_ids(shard: ShardRecord, benchmark: str) -> Mapping[str, str]:
    """By the id that it had in its shard: a benchmark's id is part of its experiments'."""
    old = {one.id: experiment_id(benchmark, one.problem_id, one.arm, one.epoch) for one in shard.benchmark.experiments}
    return old | {shard.benchmark.id: benchmark}


def _whole_of(shards: Sequence[ShardRecord], benchmark: str) -> Mapping[str, Any]:
    """What the head of an unsharded run would say."""
    items = [shard.benchmark.planned for shard in shards]
    problems = [shard.benchmark.head.planned for shard in shards]
    limit = shards[0].benchmark.head.max_cost
    return {
        "id": benchmark,
        "items": None if None in items else sum(map(int, filter(None, items))),
        "planned": None if None in problems else sum(map(int, filter(None, problems))),
        "max_cost": None if limit is None else limit * Decimal(len(shards)),
        "part": None,
        "whole": None,
    }


def _copy(source: Path, target: Path, ids: Mapping[str, str], whole: Mapping[str, Any]) -> None:
    """Line by line; a torn last one is left out."""
    descriptor = open_private(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    with os.fdopen(descriptor, "wb") as file, source.open("rb") as lines:
        for line in lines:
            with suppress(Malformed):
                file.write(_renamed_line(parsed(line), ids, whole))


def _renamed_line(values: Any, ids: Mapping[str, str], whole: Mapping[str, Any]) -> bytes:
    if values.get("event") == "benchmark":
        values = {key: value for key, value in values.items() if key not in whole} | dict(_plain_head(whole))
    return dumped(_renamed(values, ids)).encode() + b"\n"


def _plain_head(whole: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in plain(Head(**whole)).items() if name in whole}


def _renamed(value: Any, ids: Mapping[str, str]) -> Any:
    """*value* with each text that is an old id, whole, in its new form."""
    if isinstance(value, str):
        return ids.get(value, value)
    if isinstance(value, dict):
        return {key: _renamed(each, ids) for key, each in value.items()}
    return [_renamed(each, ids) for each in value] if isinstance(value, list) else value
