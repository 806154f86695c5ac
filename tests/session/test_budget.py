"""What is spent stays within the limit, whoever spends it; and what it would be is told beforehand."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from pytest_koderz.backends import OURS
from pytest_koderz.backends.backend import Surroundings
from pytest_koderz.commands.quote import quote_lines
from pytest_koderz.core.arm import ModelSettings, Role
from pytest_koderz.core.cost_bound import TOKENS_BESIDE, bound_of
from pytest_koderz.core.errors import ModelUnavailable, OutOfBudget
from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.experiment import Status as Ending
from pytest_koderz.core.money import Price, Rates, Spending, Usage, cost_of
from pytest_koderz.core.ports import Meter, Prompt, Reply, meter
from pytest_koderz.core.problem import Problem
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.events import About, Asked, Called, Event
from pytest_koderz.records.recorded import Recorded
from pytest_koderz.session.budget import Budget, Purse, check_budget
from pytest_koderz.settings import Choice, Settings, load_settings
from pytest_koderz.testing import Answer, AnthropicServer, Dropped, HalfSent, OpenAIServer, Request, Script, Status
from tests.conftest import Run

PRICE = Price(Decimal(4), Decimal(20), Decimal(5), Decimal("0.4"), date(2026, 11, 22), "the test")
SETTINGS = """
profile: paid
profiles:
  paid: {arms: [solo], models: {local: opus}, max_iterations: 2}
  free: {arms: [solo], models: {local: coder}}
  odd: {arms: [solo], models: {local: new}, max_cost: 0.1}
arms:
  solo: {local: local}
models:
  opus: {backend: anthropic, model: claude-opus-5-5, max_tokens: 500, timeout: 0.7, options: {retries: 1}}
  coder: {backend: ollama, model: "qwen2.5-coder:7b"}
  new: {backend: openai, model: zeta-99}
prices:
  claude-opus-5-5: {input: 4, output: 20, cache_write: 5, cache_read: 0.4, as_of: 2026-11-22, source: the test}
allow_unknown_price: true
cortex: {enabled: false}
"""
PROMPT = Prompt("sys", "", "task", "own/add", Role.LOCAL)
START = Experiment("exp_1", "own/add", "solo")
BOUND = Decimal("0.010675")
"""Of PROMPT: 7 bytes and TOKENS_BESIDE to be written to a cache at $5 a million, 500 tokens to be read at $20."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "koderz.yaml").write_text(SETTINGS)
    return tmp_path


def settings_in(folder: Path, profile: str = "paid", limit: str | None = None) -> Settings:
    return load_settings(None, folder, {}, Choice(profile=profile, max_cost=None if limit is None else Decimal(limit)))


def budget_in(folder: Path, limit: str, profile: str = "paid") -> Budget:
    return Budget(settings_in(folder, profile), Decimal(limit), folder / "b" / "budget.db")


# what is reserved


def test_a_reservation_is_the_dearest_that_a_call_can_be(folder: Path) -> None:
    """A token for each byte, at the price of a cache write where that is higher, and the longest reply."""
    (arm,) = settings_in(folder).arms
    assert TOKENS_BESIDE == 128
    assert bound_of(PROMPT, arm.local, PRICE) == BOUND
    wide = Prompt("", "", "é€😀", "own/add", Role.LOCAL)
    assert bound_of(wide, arm.local, PRICE) == Decimal(2 + 3 + 4 + 128) * 5 / 1_000_000 + Decimal("0.01")


def test_a_reservation_of_a_long_prompt_is_at_its_own_price(folder: Path) -> None:
    """Where its tokens might be more than the length from which on they cost more."""
    (arm,) = settings_in(folder).arms
    dear = Rates(130, *(10 * each for each in (PRICE.input, PRICE.output, PRICE.cache_write, PRICE.cache_read)))
    longer = replace(PRICE, longer=(dear,))
    short, long = (Prompt("", "", text, "own/add", Role.LOCAL) for text in ("ab", "abc"))
    assert bound_of(short, arm.local, longer) == bound_of(short, arm.local, PRICE)
    assert bound_of(long, arm.local, longer) == 10 * bound_of(long, arm.local, PRICE)


def test_a_limit_is_reached_and_never_passed(tmp_path: Path) -> None:
    """To the last part; what is settled below its reservation makes room, what was never answered does not."""
    purse = Purse(tmp_path / "budget.db", Decimal(1))
    first = purse.reserve(Decimal("0.4"), "a")
    lost = purse.reserve(Decimal("0.6"), "b")
    with pytest.raises(OutOfBudget, match=r"limit \$1.0000, spent \$0.0000, reserved \$1.0000 for 2 open calls; this"):
        purse.reserve(Decimal("0.000000000001"), "c")
    purse.settle(first, Decimal("0.1"))
    purse.settle(lost, None)
    purse.reserve(Decimal("0.3"), "d")
    with pytest.raises(OutOfBudget, match=r"spent \$0.7000, reserved \$0.3000 for 1 open call"):
        purse.reserve(Decimal("0.000000000001"), "e")
    balance = purse.balance()
    assert (balance.spent, balance.unanswered, balance.reserved) == (Decimal("0.1"), Decimal("0.6"), Decimal("0.3"))
    assert (balance.refused_calls, balance.first_refused) == (2, "c")


def test_threads_and_processes_share_one_limit(tmp_path: Path) -> None:
    """Of many that ask at once, exactly as many are served as the limit holds."""
    path = tmp_path / "budget.db"
    source = (
        "import sys; from decimal import Decimal; from pathlib import Path\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from pytest_koderz.session.budget import Purse; from pytest_koderz.core.errors import OutOfBudget\n"
        "purse = Purse(Path(sys.argv[1]), Decimal('1'))\n"
        "def ask(_):\n"
        "    try: return purse.reserve(Decimal('0.03'), 'x')\n"
        "    except OutOfBudget: return 0\n"
        "with ThreadPoolExecutor(4) as threads: print(sum(map(bool, threads.map(ask, range(20)))))\n"
    )
    asking = [subprocess.Popen([sys.executable, "-c", source, path], stdout=subprocess.PIPE) for _ in range(3)]
    assert sum(int(each.communicate(timeout=100)[0]) for each in asking) == 33
    assert Purse(path, Decimal(1)).balance().reserved == Decimal("0.99")


def test_a_killed_process_keeps_its_reservation(tmp_path: Path) -> None:
    """Whoever reserved and was killed may have sent the call, so that the sum stays taken."""
    path = tmp_path / "budget.db"
    source = (
        "import os, sys; from decimal import Decimal; from pathlib import Path\n"
        "from pytest_koderz.session.budget import Purse\n"
        "Purse(Path(sys.argv[1]), Decimal(1)).reserve(Decimal('0.8'), 'x'); os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", source, path], check=False).returncode == -signal.SIGKILL
    purse = Purse(path, Decimal(1))
    with pytest.raises(OutOfBudget, match=r"reserved \$0.8000 for 1 open call"):
        purse.reserve(Decimal("0.3"), "y")
    purse.reserve(Decimal("0.2"), "y")


def test_a_budget_that_cannot_be_kept_lets_nothing_through(folder: Path) -> None:
    """A file that is no database, such as a broken one, refuses every paid call; the summary says so."""
    budget = budget_in(folder, "1")
    budget.purse.path.parent.mkdir()
    budget.purse.path.write_bytes(b"no database" * 100)
    with pytest.raises(OutOfBudget, match=r"the budget cannot be kept in .*budget\.db: file is not a database"):
        budget.pytest_koderz_before_call(START, Role.LOCAL, PROMPT)
    (line,) = budget.pytest_koderz_summary()
    assert line.endswith("file is not a database")


# the guard


def spending(usage: Usage, cost: Decimal | None = None) -> Spending:
    return Spending(Role.LOCAL, "m", 1, usage, cost_of(usage, PRICE) if cost is None else cost, 1.0)


def told_meter() -> Meter:
    """Of the call that was asked for last."""
    found = meter.get()
    assert found is not None
    return found


def test_an_answered_call_is_settled_at_what_it_cost(folder: Path) -> None:
    """The reservation gives way to the charge, cached tokens at their own price."""
    budget = budget_in(folder, "0.02")
    budget.pytest_koderz_before_call(START, Role.LOCAL, PROMPT)
    assert budget.purse.balance().reserved == BOUND
    budget.pytest_koderz_called(START, Role.LOCAL, PROMPT, spending(Usage(10, 20, 30, 40)))
    balance = budget.purse.balance()
    assert balance.spent == cost_of(Usage(10, 20, 30, 40), PRICE)
    assert balance.reserved == 0


def test_a_call_that_failed_counts_unless_it_cannot_be_billed(folder: Path) -> None:
    """In full where nobody knows, not at all where the back end does or where another guard refused it."""
    budget = budget_in(folder, "1")
    for ending in (Ending.INVALID, Ending.SKIPPED):
        budget.pytest_koderz_before_call(START, Role.LOCAL, PROMPT)
        budget.pytest_koderz_ended(START.ended(ending, 0.0))
    budget.pytest_koderz_before_call(START, Role.LOCAL, PROMPT)
    told_meter().unbilled()
    budget.pytest_koderz_ended(START.ended(Ending.INVALID, 0.0))
    balance = budget.purse.balance()
    assert (balance.unanswered, balance.unanswered_calls) == (BOUND, 1)
    assert balance.reserved == balance.spent == 0


def test_calls_of_one_experiment_at_the_same_time_are_kept_apart(folder: Path) -> None:
    """One is answered, one is known to be unbilled, one may be billed; each by a meter of its own."""
    budget = budget_in(folder, "1")
    prompts = [replace(PROMPT, seed=seed) for seed in range(3)]
    meters = []
    for prompt in prompts:
        budget.pytest_koderz_before_call(START, Role.LOCAL, prompt)
        meters.append(told_meter())
    assert budget.purse.balance().reserved == 3 * BOUND
    budget.pytest_koderz_called(START, Role.LOCAL, prompts[1], spending(Usage(10, 20)))
    meters[2].unbilled()
    budget.pytest_koderz_ended(START.ended(Ending.INVALID, 0.0))
    balance = budget.purse.balance()
    assert balance.spent == cost_of(Usage(10, 20), PRICE)
    assert (balance.unanswered, balance.unanswered_calls) == (BOUND, 1)
    assert balance.reserved == 0


def test_what_is_sent_again_is_reserved_again(folder: Path) -> None:
    """An answer that was lost may be billed as well as the one that comes at last."""
    budget = budget_in(folder, str(2 * BOUND))
    budget.pytest_koderz_before_call(START, Role.LOCAL, PROMPT)
    sent = told_meter()
    sent.resend()
    with pytest.raises(OutOfBudget):
        sent.resend()
    balance = budget.purse.balance()
    assert (balance.unanswered, balance.unanswered_calls) == (2 * BOUND, 2)
    assert balance.reserved == 0


def test_free_models_have_no_limit(folder: Path) -> None:
    """They are never refused, and leave no file behind."""
    budget = budget_in(folder, "0.000001", "free")
    for _ in range(3):
        budget.pytest_koderz_before_call(START, Role.LOCAL, PROMPT)
        budget.pytest_koderz_called(START, Role.LOCAL, PROMPT, spending(Usage(10**6, 10**6), Decimal(0)))
    assert not budget.purse.path.parent.exists()
    assert budget.pytest_koderz_summary() == ["budget: $0.0000 spent of the limit of $0.0000"]


class Notes:
    """A meter that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def resend(self) -> None:
        self.told.append("resend")

    def unbilled(self) -> None:
        self.told.append("unbilled")


@pytest.mark.parametrize(("name", "server"), [("anthropic", AnthropicServer), ("openai", OpenAIServer)])
@pytest.mark.parametrize(
    ("script", "told"),
    [
        ([Dropped(), Answer("x")], ["resend"]),
        ([Status(529), Answer("x")], []),
        ([Status(404)], ["unbilled"]),
        ([Status(500)] * 3, ["unbilled"]),
        ([Dropped(), Status(429), Answer("x")], ["resend"]),
        ([HalfSent()] * 3, ["resend", "resend"]),
        (None, ["unbilled"]),
    ],
    ids=["dropped", "overloaded", "not found", "broken", "dropped, then asked to wait", "half", "nobody there"],
)
def test_a_back_end_says_what_may_be_billed(
    name: str, server: type[AnthropicServer | OpenAIServer], script: Script | None, told: list[str]
) -> None:
    """An answer that was lost may be billed; one that is an error, or that nobody was asked for, may not."""
    notes = Notes()
    token = meter.set(notes)
    with server(script or ()) as listening:
        url = "http://127.0.0.1:1" if script is None else listening.url
        settings = ModelSettings("m", name, "m", hosts=(url,), options={"retries": 2})
        keys = {"ANTHROPIC_API_KEY": "sk-made-up", "OPENAI_API_KEY": "sk-made-up"}
        model = OURS[name].opened(settings, Surroundings(environment=keys, sleep=lambda _: None))
        with suppress(ModelUnavailable):
            model.complete(PROMPT)
        model.close()  # type: ignore[attr-defined]  # ours have it
    meter.reset(token)
    assert notes.told == told


# a benchmark with a limit


def test_the_rest_is_skipped_with_the_reason(forgetful: Run, pytester: pytest.Pytester) -> None:
    """The summary says what was spent and refused; the figures are those of the ledger."""
    result = forgetful(
        *("--koderz-problems", "0-5", "--koderz-arm", "frontier-only", "--koderz-max-cost", "0.1", "-rs"),
        *("--koderz-json", "r.json"),
    )
    rows = json.loads((pytester.path / "r.json").read_text())["experiments"]
    counts = Counter(row["outcome"] for row in rows)
    assert counts["skipped"] > 1
    assert result.parseoutcomes()["skipped"] == counts["skipped"]
    spent = sum(row["cost_usd"] for row in rows)
    result.stdout.fnmatch_lines(
        [
            "SKIPPED *out of budget: limit $0.1000, spent $*; this call could cost up to $0.08*",
            "SIMULATED budget: $*spent of the limit of $0.1000",
            f"SIMULATED budget: {counts['skipped']} calls refused, the first for HumanEval/?[[]frontier-only]",
            "SIMULATED budget: a resume with a higher --koderz-max-cost makes them",
        ]
    )
    told = re.search(r"budget: \$([\d.]+) spent", result.stdout.str())
    assert told
    assert float(told[1]) == pytest.approx(spent, abs=0.00005)


SUITE = '''
  - id: own/add{number}
    entry_point: add
    prompt: |
      def add(x, y):
          """Add two numbers, as in task {number}."""
    tests: |
      def check(candidate):
          assert candidate(2, 3) == 5
    canonical_solution: |
      def add(x, y):
          return x + y
'''


@pytest.fixture
def world(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run) -> Run:
    """A folder with a suite of eight problems and a paid arm that takes two tries at each."""
    (pytester.path / "problems").mkdir()
    suite = "problems:" + "".join(SUITE.replace("{number}", str(number)) for number in range(8))
    (pytester.path / "problems" / "own.yaml").write_text(suite)
    (pytester.path / "koderz.yaml").write_text(SETTINGS)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-made-up-0123456789")
    return run


def _wasteful(request: Request) -> Answer:
    """Never right, as long as it may be; the first answers of most tasks are billed and come too late."""
    asked = json.dumps(request.body)
    tries = asked.count("## Attempt")
    late = not tries and "task 7" not in asked
    code = f"```python\ndef add(x, y):\n    return {tries}\n```"
    return Answer(code, input_tokens=0, cache_write=len(asked) // 4, output_tokens=500, latency=1.5 if late else 0.05)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("workers", "limit"),
    [("2", "0.02"), *(pytest.param("4", limit, marks=pytest.mark.slow) for limit in ("0.02", "0.1"))],
)
def test_workers_never_pass_the_limit(world: Run, monkeypatch: pytest.MonkeyPatch, workers: str, limit: str) -> None:
    """By the server's own count, answers that it billed and nobody received included."""
    with AnthropicServer(_wasteful) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        result = world("--koderz", "-n", workers, "--koderz-max-cost", limit, "-rs")
        sent = len(server.requests)
    billed = cost_of(server.billed.usage, PRICE)
    assert billed is not None
    assert server.billed.calls == sent
    assert 0 < billed <= Decimal(limit)
    outcomes = result.parseoutcomes()
    assert outcomes["skipped"] > 0
    assert sum(outcomes.values()) == 8


def test_a_worker_killed_in_a_call(world: Run, pytester: pytest.Pytester) -> None:
    """Its call counts in full, the summary says so, and the others keep to what is left."""
    pytester.makeconftest(
        """
        import os
        from pytest_koderz.core.money import Usage
        from pytest_koderz.core.ports import Reply
        class Deadly:
            def complete(self, prompt):
                if prompt.problem_id == "own/add0":
                    os.kill(os.getpid(), 9)
                return Reply("no code", Usage(100, 100), "deadly")
        def pytest_koderz_open_model():
            return Deadly()
        """
    )
    result = world("--koderz", "-n", "2", "--koderz-max-cost", "1", "-k", "add0 or add1")
    text = result.stdout.str()
    assert re.search(r"budget: \$0\.0048 spent of the limit of \$1\.0000", text)
    assert re.search(r"budget: \$0\.01\d\d more held for 1 unanswered call, which may be billed", text)


# a benchmark that goes on


def _prompt_and_wrong(request: Request) -> Answer:
    """Never right, and at once: a cent for each answer, and what was read."""
    asked = json.dumps(request.body)
    code = f"```python\ndef add(x, y):\n    return {asked.count('## Attempt')}\n```"
    return Answer(code, input_tokens=0, cache_write=len(asked) // 4, output_tokens=500)


def spent_on(server: AnthropicServer) -> Decimal:
    cost = cost_of(server.billed.usage, PRICE)
    assert cost is not None
    return cost


@pytest.mark.parametrize("workers", ["0", pytest.param("2", marks=pytest.mark.slow)])
def test_a_resumed_benchmark_counts_what_it_spent_before(
    world: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    """The limit stays as it was unless another one is given; with a higher one what was skipped is run, once."""
    with AnthropicServer(_prompt_and_wrong) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        assert world("--koderz", "--koderz-max-cost", "0.05", "-n", workers).parseoutcomes()["skipped"] >= 6
        first = spent_on(server)
        assert Decimal("0.02") < first <= Decimal("0.05")
        again = world("--koderz", "--koderz-resume", "-n", workers)
        assert spent_on(server) == first
        again.stdout.fnmatch_lines([f"budget: ${first:.4f} spent of the limit of $0.0500"])
        world("--koderz", "--koderz-resume", "--koderz-max-cost", "0.09", "-n", workers)
        assert first < spent_on(server) <= Decimal("0.09")
        last = world("--koderz", "--koderz-resume", "--koderz-max-cost", "1", "--koderz-json", "r.json", "-n", workers)
        spent = spent_on(server)
        assert server.billed.calls == 16
    last.assert_outcomes(failed=8)
    last.stdout.fnmatch_lines([f"budget: ${spent:.4f} spent of the limit of $1.0000"])
    last.stdout.no_fnmatch_line("budget: *refused*")
    paid = json.loads((pytester.path / "r.json").read_text())["arms"]["solo"]["paid_usd"]
    assert Decimal(str(paid)) == spent


def test_what_was_spent_without_a_limit_counts_too(world: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands in the journals, call by call."""
    with AnthropicServer(_prompt_and_wrong) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        world("--koderz", "-k", "add0 or add1")
        assert server.billed.calls == 4
        result = world("--koderz", "--koderz-resume", "--koderz-max-cost", "0.07")
        assert server.billed.calls == 6
        assert spent_on(server) <= Decimal("0.07")
    result.assert_outcomes(failed=3, skipped=5)


def test_a_call_of_unknown_cost_refuses_a_limit(folder: Path) -> None:
    """Unknown is not nothing."""
    call = Called(Role.LOCAL, Asked("d"), Reply("", Usage(), "m"), replace(spending(Usage()), cost=None))
    event = Event("", call, About("exp_1", "own/add", "koderz"), place="main.jsonl:7")
    recorded = Recorded(experiments={"exp_1": {"": (event,)}})
    with pytest.raises(UsageError, match=r"^max_cost: main.jsonl:7: does not say what this call cost"):
        budget_in(folder, "1").carry_over(recorded)


def test_what_is_recorded_twice_is_entered_twice_and_once_alone(tmp_path: Path) -> None:
    """Calls with one prompt are told apart by their number; what a killed process reserved is held."""
    purse = Purse(tmp_path / "budget.db", Decimal(1))
    purse.settle(purse.reserve(Decimal("0.2"), "a", "x"), Decimal("0.1"))
    purse.reserve(Decimal("0.3"), "b", "y")
    for _ in range(2):
        purse.reopen([("x", Decimal("0.1")), ("x", Decimal("0.1")), ("z", Decimal(0))])
        balance = purse.balance()
        assert (balance.spent, balance.unanswered, balance.reserved) == (Decimal("0.2"), Decimal("0.3"), Decimal(0))


# the user's mistakes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ten", "--koderz-max-cost: 'ten' is not an amount of US dollars such as 2.50"),
        ("$5", "--koderz-max-cost: '$5' is not an amount of US dollars such as 2.50"),
        ("0", "--koderz-max-cost: 0 is not an amount of US dollars above 0"),
        ("nan", "--koderz-max-cost: nan is not an amount of US dollars above 0"),
        ("inf", "--koderz-max-cost: inf is not an amount of US dollars above 0"),
    ],
)
def test_a_limit_that_is_none(run: Run, text: str, expected: str) -> None:
    """Exit status 4 and one line."""
    result = run("--koderz-list", "--koderz-max-cost", text)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"error: argument {expected}\n" in result.stderr.str()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("-1", "koderz.yaml:2: profiles.x.max_cost: input should be greater than 0, not -1"),
        ("much", "koderz.yaml:2: profiles.x.max_cost: input should be a valid decimal, not 'much'"),
    ],
)
def test_a_limit_that_is_none_in_koderz_yaml(tmp_path: Path, value: str, expected: str) -> None:
    """File, line and key."""
    (tmp_path / "koderz.yaml").write_text(f"profiles:\n  x: {{arms: [koderz], models: {{}}, max_cost: {value}}}\n")
    with pytest.raises(UsageError, match=re.escape(expected)):
        load_settings(None, tmp_path, {}, Choice())


def test_a_limit_needs_prices(folder: Path) -> None:
    """Even where the user allows a price to be unknown, since nobody could tell when the limit is reached."""
    settings = settings_in(folder, "odd")
    assert settings.max_cost == Decimal("0.1")
    with pytest.raises(UsageError) as caught:
        check_budget(settings)
    assert str(caught.value) == (
        "max_cost: no price is known for 'zeta-99' (model 'new'), so a limit of $0.1000 cannot be kept; add it under "
        f"`prices: zeta-99:` in {folder / 'koderz.yaml'}, or run without a limit"
    )


def test_the_command_line_is_above_the_profile(folder: Path) -> None:
    """As with every option."""
    assert settings_in(folder, "odd", "7").max_cost == Decimal(7)
    assert settings_in(folder).max_cost is None


# the quote


def test_a_quote_needs_no_key_and_spends_nothing(run: Run, pytester: pytest.Pytester) -> None:
    """Low and high by arm and role in 80 columns; nothing is run, nothing written."""
    result = run("--koderz-quote", "--koderz-profile", "live", "--koderz-problems", "0-3", "--koderz-max-cost", "1")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "arm  *experiments * low * high",
            "koderz  * 4  *$*.*  *$*.*",
            "  spec: claude-opus  *$*.*  *$*.*",
            "  local: qwen3-coder *$0.0000  *$0.0000",
            "  checkpoint: claude-sonnet  *$0.0000  *$*.*",
            "frontier-only  * 4  *$*.*  *$*.*",
            "total  * 8  *$*.*  *$*.*",
            "low: *",
            "high: *",
            "prices: *",
            "limit: $1.0000 is less than high: some may be skipped",
        ]
    )
    start = next(place for place, line in enumerate(result.outlines) if line.startswith("arm "))
    assert max(map(len, result.outlines[start:-1])) <= 80
    assert not (pytester.path / ".koderz").exists()


def test_a_quote_fits_the_screen(folder: Path) -> None:
    """With the mark of simulated models, and 80 columns."""
    settings = load_settings(None, folder, {}, Choice(profile="simulated"))
    lines = list(quote_lines(settings, [(arm, Problem("own/add", "add", "add", "")) for arm in settings.arms]))
    assert all(line.startswith("SIMULATED ") for line in lines if line)
    assert max(map(len, lines)) <= 80
    assert not any("..." in line for line in lines)


def test_a_quote_by_hand(folder: Path) -> None:
    """One try: the prompt and 150 tokens at least; two tries, each as long as it may be, at most."""
    settings = settings_in(folder)
    problem = Problem("own/add", "def add(x, y): ...", "add", "")
    row = next(line for line in quote_lines(settings, [(settings.arms[0], problem)]) if line.startswith("total"))
    low, high = (Decimal(word.removeprefix("$")) for word in row.split()[-2:])
    assert Decimal("0.003") + 60 * PRICE.input / 1_000_000 < low < Decimal("0.0035")
    # Two replies; 500 tokens read again with the feedback on them; about 400 bytes twice.
    replies, read = 2 * 500 * Decimal("0.00002"), 500 + 1000
    assert replies + (read + 2 * 350) * Decimal("0.000005") < high < replies + (read + 2 * 550) * Decimal("0.000005")


def test_a_quote_counts_a_shared_spec_once_and_the_fallback(folder: Path) -> None:
    """The second arm pays for the spec of that problem alone which the first does not try; low needs no fallback."""
    settings = load_settings(None, folder, {}, Choice(profile="live", arms=("koderz", "no-checkpoints", "cascade")))
    supervised, unchecked, cascade = settings.arms
    one, other = (Problem(f"own/{name}", "def add(x, y): ...", "add", "") for name in ("one", "other"))
    tried = [(supervised, one), (unchecked, one), (unchecked, other), (cascade, one)]
    lines = [line for line in quote_lines(settings, tried) if line.startswith("  ")]
    rows = {role: [line.split()[-2:] for line in lines if line.strip().startswith(f"{role}:")] for role in Role}
    assert rows[Role.SPEC][0] == rows[Role.SPEC][1]
    assert rows[Role.SPEC][0][0] != "$0.0000"
    ((low, high),) = rows[Role.FALLBACK]
    assert low == "$0.0000" != high


def test_a_quote_of_an_unknown_price(folder: Path) -> None:
    """It is unknown, and so is every sum that it is a part of."""
    settings = settings_in(folder, "odd")
    lines = list(quote_lines(settings, [(settings.arms[0], Problem("own/add", "add", "add", ""))]))
    assert [line.split()[-2:] for line in lines if line.startswith(("solo", "total"))] == [["unknown", "unknown"]] * 2
    assert lines[-1] == "limit: $0.1000 cannot be kept where a price is not known"


def test_an_experiment_may_end_while_others_ask(folder: Path) -> None:
    """Their calls come and go in other threads, at any moment."""
    budget = budget_in(folder, "100")
    others = [replace(START, id=f"exp_{number}") for number in range(10, 13)]

    class Busy(dict[str, object]):
        """Another thread's call comes whenever this one looks."""

        def __iter__(self) -> Iterator[str]:
            for place, key in enumerate(super().__iter__()):
                if place == 0 and others:
                    budget.pytest_koderz_before_call(others.pop(), Role.LOCAL, PROMPT)
                yield key

    budget._open = Busy()  # type: ignore[assignment]
    for number in range(2):
        budget.pytest_koderz_before_call(replace(START, id=f"exp_{number}"), Role.LOCAL, PROMPT)
    budget.pytest_koderz_ended(replace(START, id="exp_0").ended(Ending.INVALID, 0.0))
    assert budget.purse.balance().unanswered_calls == 1
