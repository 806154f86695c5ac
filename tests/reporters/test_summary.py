"""The summary tells the truth in every situation; each stands in tests/golden, so that a change shows in a diff: the
tables of all in one file, what follows them in a file for each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from pytest_koderz.core.arm import Arm, ModelSettings
from pytest_koderz.core.experiment import Advice, Experiment, Guidance, Spec, Status
from pytest_koderz.core.function_traits import FunctionTraits
from pytest_koderz.core.iteration import Candidate, Failure, Iteration, Outcome, Verdict
from pytest_koderz.core.money import Ledger, Price, Spending, Usage
from pytest_koderz.core.problem import Traits
from pytest_koderz.evidence.break_even import Purchase
from pytest_koderz.evidence.findings import Frame, findings_of
from pytest_koderz.evidence.looks import Look
from pytest_koderz.evidence.savings import estimate_control
from pytest_koderz.reporters.arm_row import table_rows
from pytest_koderz.reporters.results import results_of
from pytest_koderz.reporters.summary import lines_of, summary_lines
from pytest_koderz.reporters.text import dollars, failure_lines, headline
from tests.evidence.experiments import ran
from tests.golden import check_golden

GOLDEN = Path(__file__).parents[1] / "golden"
PRICE = Price(Decimal(4), Decimal(20), Decimal(5), Decimal("0.2"), date(2026, 11, 22), "a test")
FRAME = Frame("bench_1a2b3c4d", ("koderz", "frontier-only"), "frontier-only", 0.05, None)
NAMES = [f"HumanEval/{number}" for number in range(40)]
MANY = [f"HumanEval/{number}" for number in range(120)]


def _experiment(problem: str, arm: str, status: Status, tries: int, cost: str | None = "0.001") -> Experiment:
    """An experiment of *tries* iterations whose spec, if the arm has one, cost *cost*; each try of the control too."""
    amount = None if cost is None else Decimal(cost)
    usage = Usage(100, 50)
    paid_local = arm == "frontier-only"
    iterations = tuple(
        _iteration(number, status is Status.SOLVED and number == tries, amount if paid_local else Decimal(0), usage)
        for number in range(1, tries + 1)
    )
    ledger = Ledger()
    if tries:
        local = total_of(amount, tries) if paid_local else Decimal(0)
        ledger += Spending(
            "local",
            "model",
            tries,
            Usage(100 * tries, 50 * tries),
            local,
            2.0 * tries,
            None if paid_local else 1.5 * tries,
        )
    spec = None
    if not paid_local:
        spec = Spec("words", "frontier-1", usage, amount, 3.0)
        ledger += Spending("spec", "frontier", 1, usage, amount, 3.0)
    reason = (
        "the server is down" if status is Status.INVALID else "the limit is reached" if status is Status.SKIPPED else ""
    )
    return Experiment(
        f"exp_{abs(hash((problem, arm))) % 16**8:08x}",
        problem,
        arm,
        seed=1,
        spec=spec,
        iterations=iterations,
        ledger=ledger,
        status=status,
        seconds=2.0 * tries,
        reason=reason,
        prompt_version="1",
    )


def total_of(amount: Decimal | None, tries: int) -> Decimal | None:
    return None if amount is None else amount * tries


def _iteration(number: int, passed: bool, cost: Decimal | None, usage: Usage) -> Iteration:
    verdict = Verdict(Outcome.PASSED, 7, 7) if passed else Verdict(Outcome.WRONG, 3, 7)
    return Iteration(number, (Candidate(f"answer {number}"),), (verdict,), usage=usage, cost=cost, seconds=2.0)


def _pair(
    problem: str, arm_solved: bool, control_solved: bool, arm_cost: str = "0.001", control_cost: str = "0.003"
) -> list[Experiment]:
    def status(solved: bool) -> Status:
        return Status.SOLVED if solved else Status.UNSOLVED

    return [
        _experiment(problem, "koderz", status(arm_solved), 2 if arm_solved else 5, arm_cost),
        _experiment(problem, "frontier-only", status(control_solved), 1, control_cost),
    ]


def _of(pairs: list[list[Experiment]]) -> list[Experiment]:
    return [one for pair in pairs for one in pair]


def _alone(status: Status, cost: str | None = "0.001") -> list[Experiment]:
    return [_experiment(name, "koderz", status, 3 if status.settled else 0, cost) for name in NAMES[:5]]


def _epochs(number: int) -> list[Experiment]:
    """Four epochs of one problem, of which as many as its number are solved at once and the others not at all."""
    statuses = [Status.SOLVED if epoch <= number % 5 else Status.UNSOLVED for epoch in range(1, 5)]
    return [
        replace(_experiment(NAMES[number], arm, status, 1, "0.003"), id=f"exp_{arm}_{epoch}", epoch=epoch, seed=epoch)
        for arm in ("koderz", "frontier-only")
        for epoch, status in enumerate(statuses, start=1)
    ]


def _graded(number: int) -> list[Experiment]:
    """Every fifth experiment of koderz passes the base tests alone, every tenth hardly any test."""
    koderz, control = _pair(NAMES[number], number % 10 != 0, True)
    if koderz.solved:
        held = Verdict(Outcome.WRONG, 3, 9) if number % 5 == 1 else Verdict(Outcome.PASSED, 9, 9)
        koderz = replace(koderz, graded=held, status=Status.SOLVED if held.passed else Status.UNSOLVED)
    return [koderz, replace(control, graded=Verdict(Outcome.PASSED, 9, 9))]


def _cascade(number: int) -> list[Experiment]:
    """Half are solved locally; of the others the fallback solves three in four."""
    local = _experiment(NAMES[number], "cascade", Status.SOLVED if number % 2 else Status.UNSOLVED, 2, "0")
    control = _experiment(NAMES[number], "frontier-only", Status.SOLVED, 1, "0.003")
    if not local.solved:
        passed = number % 8 != 0
        last = replace(_iteration(3, passed, Decimal("0.003"), Usage(100, 50)), fallback=True)
        spent = local.ledger + Spending("fallback", "frontier", 1, Usage(100, 50), Decimal("0.003"), 2.0)
        status = Status.SOLVED if passed else Status.UNSOLVED
        local = replace(local.with_iteration(last), ledger=spent, status=status)
    return [replace(local, spec=None, ledger=_without_spec(local.ledger)), control]


def _without_spec(ledger: Ledger) -> Ledger:
    return Ledger(tuple(row for row in ledger.spendings if row.role != "spec"))


def _flagged(number: int) -> list[Experiment]:
    """Every tenth spec holds a hidden value, and one a whole solution as well."""
    koderz, control = _pair(NAMES[number], True, True)
    if number % 10 == 0 and koderz.spec is not None:
        leaks = ("a hidden value: [1.0, 2.0, 5.9]", *(["a complete solution"] if number == 20 else []))
        koderz = replace(koderz, spec=replace(koderz.spec, leaks=leaks))
    if number % 4 == 0:
        koderz = koderz.with_advice(Advice("Count from 0.", "exp_0a1b2c3d", "HumanEval/99", 1))
    return [koderz, control]


def _alone_at(problem: str, solved: bool) -> Experiment:
    """The small frontier model's one try."""
    one = _experiment(problem, "frontier-only", Status.SOLVED if solved else Status.UNSOLVED, 1, "0.0006")
    return replace(one, arm="small-frontier")


def _long(number: int) -> list[Experiment]:
    """koderz comes to its eleventh iteration and second checkpoint on every fifth problem; no-spec solves half."""
    koderz = _experiment(NAMES[number], "koderz", Status.SOLVED, 11 if number % 5 == 0 else 1 + number % 4)
    if number % 5 == 0:
        reviews = [Guidance(n, 5 * n, "Sort first.", "frontier-1", cost=Decimal("0.004")) for n in (1, 2)]
        spent = Spending("checkpoint", "frontier", 2, Usage(800, 90), Decimal("0.008"), 6.0)
        koderz = replace(koderz, checkpoints=tuple(reviews), ledger=koderz.ledger + spent)
    plain = _experiment(NAMES[number], "no-spec", Status.SOLVED if number % 2 else Status.UNSOLVED, 4)
    return [koderz, replace(plain, spec=None, ledger=_without_spec(plain.ledger))]


def _five(number: int) -> list[Experiment]:
    """Costs that vary; here and there one that is invalid, skipped or cut short."""
    name, dear = MANY[number], f"0.00{2 + number % 5}"
    koderz, control = _pair(name, number % 11 != 0, number % 12 != 0, f"0.00{1 + number % 3}", dear)
    long, plain = _long(number % 40)
    cascade, _ = _cascade(number % 40)
    found = [
        replace(
            koderz, iterations=long.iterations, checkpoints=long.checkpoints, ledger=koderz.ledger + _reviews(long)
        ),
        replace(plain, problem_id=name),
        _alone_at(name, number % 6 != 0),
        replace(cascade, problem_id=name),
        control,
    ]
    ended = {3: Status.INVALID, 50: Status.INVALID, 80: Status.RUNNING, 85: Status.SKIPPED, 86: Status.SKIPPED}
    place, status = number % 5, ended.get(number)
    if status is not None:
        found[place] = replace(found[place], status=status)
    return found


def _reviews(experiment: Experiment) -> Ledger:
    return Ledger(tuple(row for row in experiment.ledger.spendings if row.role == "checkpoint"))


MODEL = ModelSettings("model", "ollama", "model")
KODERZ = Arm("koderz", MODEL, spec=MODEL, checkpoint=MODEL)

ESTIMATED = replace(FRAME, arms=("koderz",), estimate=estimate_control("claude-opus-5-5", PRICE, Usage(200, 150)))


def _beside_local(number: int) -> list[Experiment]:
    """Of 36 problems that the control solves koderz solves 32, and the local model alone every second."""
    arm, control = _pair(NAMES[number], number % 5 != 0, number % 10 != 0)
    alone = _experiment(NAMES[number], "local-only", Status.SOLVED if number % 2 else Status.UNSOLVED, 4)
    paid = Ledger(tuple(row for row in alone.ledger.spendings if row.role == "local"))
    return [arm, replace(alone, spec=None, ledger=paid), control]


def _swarm(number: int) -> list[Experiment]:
    """Two models write two candidates: every third problem is solved at once by one, every fifth by the other."""
    by = {"small": number % 3 == 0, "large": number % 5 == 0}
    verdicts = tuple(Verdict(Outcome.PASSED, 7, 7) if right else Verdict(Outcome.WRONG, 3, 7) for right in by.values())
    candidates = tuple(Candidate(name) for name in by)
    iteration = Iteration(1, candidates, verdicts, cost=Decimal("0.003"), seconds=2.0, writers=tuple(by))
    rows = [Spending("local", name, 1, Usage(90, 40), cost, 1.0) for name, cost in SWARM.items()]
    status = Status.SOLVED if any(by.values()) else Status.UNSOLVED
    one = replace(_experiment(NAMES[number], "swarm", status, 1), spec=None, iterations=(iteration,))
    return [replace(one, ledger=Ledger(tuple(rows))), _experiment(NAMES[number], "frontier-only", Status.SOLVED, 1)]


def _cancelled(number: int) -> list[Experiment]:
    """Of every third problem the small model's answer is right before the large one's is there, which is withdrawn."""
    swarm, other = _swarm(number)
    if number % 3:
        return [swarm, other]
    first = swarm.iterations[0]
    only = replace(first, candidates=first.candidates[:1], verdicts=first.verdicts[:1], writers=("small",))
    rows = [replace(row, cancelled=int(row.model == "large")) for row in swarm.ledger.spendings]
    iterations = (replace(only, cancelled=("large",)),)
    return [replace(swarm, iterations=iterations, ledger=Ledger(tuple(rows))), other]


SWARM = {"small": Decimal("0.001"), "large": Decimal("0.002")}


def _blind(number: int) -> list[Experiment]:
    """The examples pass all but the last two, one of which is right; of what they pass every eighth is wrong."""
    mine, other = _pair(NAMES[number], number % 8 != 0 and number < 38, number % 10 != 0)
    passed = mine.solved or number == 39
    graded = Verdict(Outcome.PASSED if passed else Outcome.WRONG)
    verdict = Verdict(Outcome.PASSED if number < 38 else Outcome.WRONG)
    iterations = tuple(replace(each, verdicts=(verdict,)) for each in mine.iterations)
    mine = replace(mine, arm="koderz-blind", accept_on="visible", iterations=iterations, graded=graded)
    return [mine, other]


def _tried(number: int, epoch: int) -> list[Experiment]:
    """Five arms in one of three epochs: chances that differ by problem, dollars that vary, here and there one that is
    invalid, skipped or cut short, and every seventh of koderz run again after an attempt that does not count.
    """
    draw = Random(f"{number} {epoch}")  # noqa: S311 - not for secrets
    ease = Random(number).random()  # noqa: S311 - not for secrets

    def status(chance: float) -> Status:
        return Status.SOLVED if draw.random() < chance * (0.4 + 0.6 * ease) else Status.UNSOLVED

    name, hard = f"HumanEval/{number}", status(1.25) is Status.UNSOLVED
    koderz = _experiment(name, "koderz", status(1.2), 1 + 5 * hard, f"0.00{draw.randrange(10, 30)}")
    if hard:
        review = Guidance(1, 5, "Sort first.", "frontier-1", cost=Decimal("0.004"))
        spent = Spending("checkpoint", "frontier", 1, Usage(800, 90), Decimal("0.004"), 6.0)
        koderz = replace(koderz, checkpoints=(review,), ledger=koderz.ledger + spent)
    if number % 7 == 0:
        koderz = replace(koderz, earlier=_experiment(name, "koderz", Status.UNSOLVED, 2, "0.0015").ledger)
    alone = _experiment(name, "local-only", status(0.7), 1 + 3 * hard)
    alone = replace(alone, spec=None, ledger=_without_spec(alone.ledger))
    blind = _seen_by_examples(
        replace(_experiment(name, "koderz-blind", status(0.9), 2 + hard), accept_on="visible"), draw
    )
    cascade = _handed_over(replace(alone, arm="cascade"), status(1.4), Decimal(draw.randrange(20, 60)) / 10000)
    control = _experiment(name, "frontier-only", status(1.3), 1, f"0.00{draw.randrange(20, 60)}")
    found = [replace(one, epoch=epoch, seed=epoch) for one in (koderz, alone, blind, cascade, control)]
    found = [replace(one, id=f"exp_{one.arm}_{number}_{epoch}") for one in found]
    ended = {3: Status.INVALID, 20: Status.INVALID, 41: Status.RUNNING, 58: Status.SKIPPED, 59: Status.SKIPPED}
    if number in ended and epoch > number % 3:
        found[number % 5] = replace(found[number % 5], status=ended[number])
    return found


def _seen_by_examples(one: Experiment, draw: Random) -> Experiment:
    """They pass all that is right and some of what is not, but for a right one here and there."""
    graded = Verdict(Outcome.PASSED if one.solved else Outcome.WRONG)
    taken = draw.random() < (0.95 if one.solved else 0.3)
    last = Verdict(Outcome.PASSED if taken else Outcome.WRONG, 2 if taken else 1, 2)
    iterations = (*one.iterations[:-1], replace(one.iterations[-1], verdicts=(last,)))
    ended = Status.SOLVED if taken and one.solved else Status.UNSOLVED
    return replace(one, iterations=iterations, graded=graded, status=ended)


def _handed_over(one: Experiment, last: Status, paid: Decimal) -> Experiment:
    """To the fallback, where it is not solved."""
    if one.solved:
        return one
    number, passed = len(one.iterations) + 1, last is Status.SOLVED
    answer = replace(_iteration(number, passed, paid, Usage(100, 50)), fallback=True)
    spent = one.ledger + Spending("fallback", "frontier", 1, Usage(100, 50), paid, 2.0)
    return replace(one.with_iteration(answer), ledger=spent, status=last)


FRONTIER = replace(MODEL, name="frontier", model="frontier-1")


FRONTIER = ModelSettings("claude-opus", "anthropic", "claude-opus-5-5", cutoff=date(2026, 6, 1))
TRAINED = (
    Arm("koderz", local=ModelSettings("qwen-coder", "ollama", "qwen2.5-coder:7b"), spec=FRONTIER),
    Arm("frontier-only", local=FRONTIER, max_iterations=1),
)


def _known() -> tuple[Frame, list[Experiment]]:
    """All of HumanEval, in models that may know it and solve less than was published."""
    alone = (Arm("local-only", local=ModelSettings("qwen-coder", "ollama", "qwen2.5-coder:7b")), TRAINED[1])
    frame = replace(FRAME, arms=("local-only", "frontier-only"), definitions=alone)
    pairs = [
        _experiment(f"HumanEval/{number}", arm, Status.SOLVED if solved else Status.UNSOLVED, 1)
        for number in range(164)
        for arm, solved in (("local-only", number % 2), ("frontier-only", number % 9))
    ]
    return frame, [replace(one, spec=None, traits=Traits("humaneval", date(2021, 7, 7))) for one in pairs]


def _sorted_out(experiment: Experiment) -> Experiment:
    """Of a problem with a solution and a few libraries."""
    number = NAMES.index(experiment.problem_id)
    libraries = ("random",) if number % 3 else ("csv", "random") if number % 2 else ("csv",)
    return replace(experiment, traits=Traits("bigcodebench-hard", date(2024, 6, 22), libraries, 20 + number * 7 % 40))


FILES = {
    # By file: which of its tasks each arm solves, and what koderz takes for one.
    "src/shop/prices.py": ("1" * 30, "1" * 30, "0.001"),
    "src/shop/text.py": ("1" * 11 + "0", "1" * 12, "0.001"),
    "src/shop/orders.py": ("1" * 2 + "0" * 12, "1" * 13 + "0", "0.001"),
    "src/shop/dates.py": ("11101", "11111", "0.001"),
    "src/shop/store/cache.py": ("111111", "111111", "0.004"),
    "src/shop/store/locks.py": ("00000", "00000", "0.001"),
    "src/shop/store/files.py": ("11", "11", "0.001"),
    "src/shop/cli.py": ("0", "1", "0.001"),
}


def _in_place(file: str, number: int) -> list[Experiment]:
    """Of a repository whose functions differ in all that is known of them."""
    mine, other, cost = FILES[file]
    name = f"{file.removeprefix('src/').removesuffix('.py').replace('/', '.')}:f{number}"
    place = len(file) + 5 * number
    adequacy = None if place % 7 == 0 else (50 + 5 * (place % 11)) / 100
    function = FunctionTraits(file, 2 + place % 23, place % 9, None if place % 13 == 0 else place % 5, adequacy)
    pair = _pair(name, mine[number] == "1", other[number] == "1", cost)
    return [replace(one, traits=Traits("shop", None, (), 300, function)) for one in pair]


def _of_a_repository() -> list[Experiment]:
    return [one for file, (mine, *_) in FILES.items() for number in range(len(mine)) for one in _in_place(file, number)]


SITUATIONS: dict[str, Callable[[], tuple[Frame, list[Experiment]]]] = {
    "measured": lambda: (
        FRAME,
        _of([_pair(name, number % 5 != 0, number % 8 != 0) for number, name in enumerate(NAMES)]),
    ),
    "strata": lambda: (FRAME, [*map(_sorted_out, SITUATIONS["measured"]()[1])]),
    "known": _known,
    "negative_savings": lambda: (FRAME, _of([_pair(name, True, True, "0.011", "0.003") for name in NAMES[:12]])),
    "worse": lambda: (FRAME, _of([_pair(name, number % 2 == 0, True) for number, name in enumerate(NAMES[:30])])),
    "zero_solved": lambda: (FRAME, _of([_pair(name, False, False) for name in NAMES[:6]])),
    "all_invalid": lambda: (FRAME, _alone(Status.INVALID)),
    "one_problem": lambda: (FRAME, _pair(NAMES[0], True, True)),
    "no_control": lambda: (ESTIMATED, _alone(Status.SOLVED)),
    "unknown_price": lambda: (
        FRAME,
        [
            *_alone(Status.SOLVED, None),
            *[_experiment(name, "frontier-only", Status.SOLVED, 1, None) for name in NAMES[:5]],
        ],
    ),
    "interrupted": lambda: (
        FRAME,
        [
            *_of([_pair(name, True, True) for name in NAMES[:3]]),
            _experiment(NAMES[3], "koderz", Status.SOLVED, 1),
            _experiment(NAMES[4], "koderz", Status.SKIPPED, 0),
        ],
    ),
    "plus_gap": lambda: (FRAME, _of([_graded(number) for number in range(40)])),
    "cascade": lambda: (
        replace(FRAME, arms=("cascade", "frontier-only")),
        _of([_cascade(number) for number in range(40)]),
    ),
    "blind": lambda: (
        replace(FRAME, arms=("koderz-blind", "frontier-only"), wrong_accept=Decimal(30)),
        _of([_blind(number) for number in range(40)]),
    ),
    "gap": lambda: (
        replace(
            FRAME,
            arms=("koderz", "local-only", "frontier-only"),
            definitions=(KODERZ, Arm("local-only", MODEL)),
        ),
        _of([_beside_local(number) for number in range(40)]),
    ),
    "epochs": lambda: (FRAME, _of([_epochs(number) for number in range(20)])),
    "local_rate": lambda: (
        replace(FRAME, local_rate=Decimal("0.60")),
        _of([_pair(name, number % 8 != 0, number % 8 != 0) for number, name in enumerate(NAMES)]),
    ),
    "flagged_leaks": lambda: (FRAME, _of([_flagged(number) for number in range(40)])),
    "long_run": lambda: (
        replace(
            FRAME,
            arms=("koderz", "no-spec"),
            definitions=(KODERZ, replace(KODERZ, name="no-spec", spec=None)),
        ),
        _of([_long(number) for number in range(40)]),
    ),
    "ablation": lambda: (
        replace(
            FRAME,
            arms=("koderz", "no-spec", "frontier-only"),
            definitions=(KODERZ, replace(KODERZ, name="no-spec", spec=None)),
        ),
        _of([[*_long(number), _experiment(NAMES[number], "frontier-only", Status.SOLVED, 1)] for number in range(40)]),
    ),
    "just_ask": lambda: (
        replace(FRAME, arms=("koderz", "frontier-only", "small-frontier")),
        [
            *_of([_pair(name, number % 9 != 0, True, "0.011", "0.003") for number, name in enumerate(MANY)]),
            *[_alone_at(name, number % 30 != 0) for number, name in enumerate(MANY)],
        ],
    ),
    "five_arms": lambda: (
        replace(
            FRAME,
            arms=("koderz", "no-spec", "small-frontier", "cascade", "frontier-only"),
            definitions=(KODERZ, replace(KODERZ, name="no-spec", spec=None)),
            local_rate=Decimal("0.60"),
            planned=120,
            looks=(Look(40, 120),),
            purchase=Purchase(Decimal(2000), Decimal(200)),
            selection="a random sample of 120 of 164, seed 0",
        ),
        _of([_five(number) for number in range(90)]),
    ),
    "five_arms_epochs": lambda: (
        replace(
            FRAME,
            arms=("koderz", "local-only", "koderz-blind", "cascade", "frontier-only"),
            definitions=(
                replace(KODERZ, max_iterations=6, spec=FRONTIER, checkpoint=FRONTIER),
                Arm("local-only", MODEL, max_iterations=4),
                Arm("koderz-blind", MODEL, spec=FRONTIER, max_iterations=3, accept_on="visible"),
                Arm("cascade", MODEL, fallback=FRONTIER, max_iterations=4),
                Arm("frontier-only", FRONTIER, max_iterations=1),
            ),
            local_rate=Decimal("0.60"),
            planned=100,
            looks=(Look(25, 100),),
            purchase=Purchase(Decimal(2000), Decimal(200)),
            wrong_accept=Decimal(2),
        ),
        [one for number in range(66) for epoch in (1, 2, 3) for one in _tried(number, epoch)],
    ),
    "places": lambda: (FRAME, _of_a_repository()),
    "places_alone": lambda: (
        replace(FRAME, arms=("koderz",)),
        [one for one in _of_a_repository() if one.arm == "koderz"],
    ),
    "swarm": lambda: (replace(FRAME, arms=("swarm", "frontier-only")), _of([_swarm(number) for number in range(30)])),
    "cancelled": lambda: (
        replace(FRAME, arms=("swarm", "frontier-only")),
        _of([_cancelled(number) for number in range(30)]),
    ),
    "simulated": lambda: (replace(FRAME, simulated=True), _of([_pair(name, True, False) for name in NAMES[:3]])),
}


def _parts(name: str) -> tuple[list[str], list[str]]:
    """The table, and all that stands around it."""
    lines = summary_lines(*SITUATIONS[name](), whole=True)
    start = next(number for number, line in enumerate(lines) if line.removeprefix("SIMULATED ").startswith("arm  "))
    end = lines.index("", start) + 1
    return lines[start:end], lines[:start] + lines[end:]


def _check(path: Path, lines: list[str]) -> None:
    check_golden(path, "\n".join(lines) + "\n")
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_summary_is_what_its_golden_file_says(name: str) -> None:
    """But for its table. UPDATE_GOLDEN=1 writes the files anew."""
    _check(GOLDEN / f"summary_{name}.txt", _parts(name)[1])


def test_the_tables_are_what_their_golden_file_says() -> None:
    """Those of all situations in one file, so that another column is a diff of one."""
    lines = [line for name in SITUATIONS for line in (f"# {name}", *_parts(name)[0])]
    _check(GOLDEN / "summary_tables.txt", lines[:-1])


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_narrow_terminal_has_every_figure_and_no_line_that_it_would_break(name: str) -> None:
    """Words may be cut; each figure of the arms' table stands there in one piece."""
    frame, experiments = SITUATIONS[name]()
    findings = findings_of(frame, experiments)
    cells = {cell for _, *cells in list(table_rows(findings.arms))[1:] for cell in cells}
    for columns in (40, 60):
        lines = lines_of(frame, findings, columns, whole=True)
        assert max(map(len, lines)) <= columns
        assert {cell for cell in cells if not any(cell in line for line in lines)} == set()


@pytest.mark.parametrize("name", ["measured", "local_rate", "worse", "epochs"])
def test_two_arms_take_one_screen(name: str) -> None:
    """Of 80 columns and 24 lines, but for the heading: the verdict first."""
    lines = summary_lines(*SITUATIONS[name]())
    assert len(lines) <= 24
    assert lines[0].startswith("koderz against frontier-only, measured on")


@pytest.mark.parametrize("simulated", [False, True])
@pytest.mark.parametrize("name", ["measured", "local_rate", "worse", "epochs", "negative_savings"])
def test_two_arms_with_their_notes_take_one_screen(name: str, simulated: bool) -> None:
    """As a live run has them: a prefix, an oracle stop, models that may know the problems. First the verdict, then what
    decides it, the arms as a table and one by one, and the notes last. The mark of a simulated benchmark, which stands
    before each line, makes some of them two.
    """
    frame, experiments = SITUATIONS[name]()
    frame = replace(frame, definitions=TRAINED, selection="the first 40 of 164", simulated=simulated)
    known = [replace(one, traits=Traits("humaneval", date(2021, 7, 7))) for one in experiments]
    lines = [line.removeprefix("SIMULATED ") for line in summary_lines(frame, known)]
    assert len(lines) <= 24 + simulated
    assert max(map(len, summary_lines(frame, known))) <= 80
    assert lines[0].startswith("koderz against frontier-only, measured on")
    verdict, table, arms, notes = "\n".join(lines).split("\n\n")
    assert [verdict.index(words) for words in ("solved", "savings", "seconds per solved")] == sorted(
        verdict.index(words) for words in ("solved", "savings", "seconds per solved")
    )
    assert table.startswith("arm ")
    assert [line.partition(":")[0] for line in arms.split("\n") if line[0] != " "] == ["koderz", "frontier-only"]
    told = [line for line in notes.split("\n") if line[0] != " "]
    assert [line.startswith("note: ") for line in told] == sorted(line.startswith("note: ") for line in told)
    assert ("note: the training of claude-opus may hold humaneval (2021-07-07)" in told) is not simulated


@pytest.mark.parametrize(("name", "said"), [("measured", True), ("blind", False)])
def test_an_oracle_stop_is_called_that(name: str, said: bool) -> None:
    """In the claim's own line, and once more in a note, which names the arm to decide by."""
    lines = summary_lines(*SITUATIONS[name]())
    assert ("(oracle stop" in lines[0]) is said
    assert any("decide by koderz-blind" in line for line in lines) is said


def test_false_accepts_are_counted_and_priced() -> None:
    """Exactly those that were planted; of one try, which is always taken, its wrong answers."""
    told = results_of(SITUATIONS["blind"]()[0], {}, SITUATIONS["blind"]()[1])["arms"]
    blind = {"accepted": 38, "false_accepts": 5, "false_rejects": 1, "loop": True, "false_accepts_usd": 150.0}
    assert told["koderz-blind"]["acceptance"] == blind
    assert told["frontier-only"]["acceptance"]["false_accepts_usd"] == 120.0


def test_nothing_was_run() -> None:
    """Then there is nothing to say."""
    assert summary_lines(FRAME, []) == []


def test_every_figure_can_be_recomputed_from_the_rows() -> None:
    """The results' totals are sums of their rows."""
    frame, experiments = SITUATIONS["measured"]()
    results = results_of(frame, {}, experiments)
    for name, arm in results["arms"].items():
        rows = [row for row in results["experiments"] if row["arm"] == name]
        assert arm["solved"] == sum(row["outcome"] == "solved" for row in rows)
        assert arm["cost_usd"] == pytest.approx(sum(row["cost_usd"] for row in rows))
        assert arm["iterations"] == sum(row["iterations"] for row in rows)


@pytest.mark.parametrize(
    ("amount", "words"),
    [("0.0342", "$0.0342"), ("-0.0021", "-$0.0021"), ("1234.5", "$1,234.5000"), ("0", "$0.0000")],
)
def test_dollars_in_words(amount: str, words: str) -> None:
    """A minus sign stands before the dollar."""
    assert dollars(Decimal(amount)) == words


def test_an_unknown_sum_is_unknown_and_an_exact_one_has_all_digits() -> None:
    """Never 0 for unknown; no power of ten for machines."""
    assert dollars(None) == dollars(None, exact=True) == "unknown"
    assert dollars(Decimal("0.0000012"), exact=True) == "0.0000012"
    assert dollars(Decimal(100), exact=True) == "100"


def test_a_level_has_no_power_of_ten() -> None:
    """Of an early look it is next to nothing."""
    lines = " ".join(summary_lines(replace(FRAME, planned=6), _pair(NAMES[0], True, False)))
    assert "each side is tested below 0.001 %, so" in lines


def test_a_failure_names_what_happened() -> None:
    """In one line for the short summary, in full for the section."""
    unsolved = _experiment(NAMES[0], "koderz", Status.UNSOLVED, 2)
    assert headline(unsolved) == "unsolved after 2 iterations, the last wrong, 3 of 7 assertions passed"
    assert "   1  answer 2" in failure_lines(unsolved)
    failure = Failure("TypeError: no", "assert f(1) == 2", exception="TypeError: no")
    verdict = Verdict(Outcome.CRASHED, 3, 7, failures=(failure,))
    crashed = replace(unsolved, iterations=(replace(unsolved.iterations[0], verdicts=(verdict,)),))
    assert headline(crashed).endswith("3 of 7 assertions passed: TypeError: no")
    assert failure_lines(crashed)[-3:] == [
        ">   assert f(1) == 2",
        "E   TypeError: no",
        "E   unsolved after 1 iteration, the last crashed, 3 of 7 assertions passed",
    ]
    invalid = _experiment(NAMES[0], "koderz", Status.INVALID, 0)
    assert headline(invalid) == "invalid: the server is down"


def test_where_few_problems_carry_the_dollars_no_cap_is_blamed() -> None:
    """One problem took nearly all of the control's dollars; one more of the arm's would change nothing."""
    arm = [ran(number, price=f"0.00{3 + number % 4}") for number in range(60)]
    others = [ran(number, "frontier-only", price=f"0.000{1 + number % 3}") for number in range(1, 60)]
    control = [ran(0, "frontier-only", price="0.9"), *others]
    frame = Frame("bench_1a2b3c4d", ("koderz", "frontier-only"), "frontier-only", 0.05, None)
    told = "\n".join(summary_lines(frame, [*arm, *control]))
    assert "    no interval, since a few problems carry the dollars" in told
    assert "at the cap" not in told
