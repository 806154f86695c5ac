"""From an experiment's values to memories and back."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_koderz.core.experiment import Advice, Experiment, Guidance, Spec
from pytest_koderz.core.iteration import Candidate, Iteration, Outcome, Verdict
from pytest_koderz.cortex.client.memories import (
    CONTENT_LIMIT,
    MOST_RECALLED,
    MemoryEntry,
    advice_in,
    memory_of_advice,
    memory_of_benchmark,
    memory_of_checkpoint,
    memory_of_iteration,
    memory_of_result,
    memory_of_spec,
    record_of,
    shortened,
    spec_in,
    title_of,
)
from pytest_koderz.cortex.client.recalled_experiments import Recalled, experiment_of, told_by
from pytest_koderz.cortex.client.replies import ToolReply, exported
from pytest_koderz.files.secret_values import Redaction
from pytest_koderz.records.codec import plain, value_of

from .worlds import BENCHMARK, advice, experiment, guidance, iteration, lived, spec


def row(memory: MemoryEntry) -> dict[str, Any]:
    """*memory* as a server gives it back."""
    arguments = json.loads(json.dumps(memory.arguments("koderz"), default=str))
    return {**arguments, "metadata": json.dumps(arguments["metadata"])}


def test_values_come_back_equal() -> None:
    """Each with all its parts: decimals, enumerations, failures, several candidates."""
    one = lived().with_advice(advice())
    told: list[tuple[type, object, MemoryEntry]] = [
        (Spec, one.spec, memory_of_spec(one, spec(), "0123")),
        (Iteration, one.iterations[2], memory_of_iteration(one, one.iterations[2])),
        (Guidance, one.checkpoints[0], memory_of_checkpoint(one, one.checkpoints[0])),
        (Advice, one.advice[0], memory_of_advice(one, one.advice[0])),
        (Experiment, replace(one, spec=None, iterations=(), advice=(), checkpoints=()), memory_of_result(one)),
    ]
    for kind, value, memory in told:
        assert record_of(kind, row(memory)) == value


def test_an_experiment_is_rebuilt_from_its_memories() -> None:
    """Spec, iterations, checkpoints and ledger; without a result it is still running."""
    one = replace(lived(), graded=Verdict(Outcome.WRONG, 1, 9)).with_advice(advice())
    memories = [
        memory_of_spec(one, spec(), "0123"),
        *(memory_of_iteration(one, step) for step in one.iterations),
        *(memory_of_checkpoint(one, review) for review in one.checkpoints),
        memory_of_advice(one, one.advice[0]),
    ]
    rows = [row(memory) for memory in memories]
    assert experiment_of([*rows, row(memory_of_result(one))], []) == one
    assert (experiment_of(rows, []).iterations, experiment_of(rows, []).advice) == (one.iterations, one.advice)
    assert experiment_of(rows, []).status == "running"


def test_the_words_of_the_seed_are_kept() -> None:
    """Categories, tags and metadata are those that users of cortex look for."""
    one = lived()
    memory = memory_of_iteration(one, one.iterations[5])
    assert (memory.category, memory_of_spec(one, spec(), "k").category) == ("custom", "custom")
    assert memory_of_checkpoint(one, guidance(1, 5)).category == memory_of_result(one).category == "learning"
    assert memory.tags == ("experiment", "iteration", one.id, "HumanEval/0", one.benchmark_id)
    wanted = {"experiment_id": one.id, "problem_id": "HumanEval/0", "iteration": 6, "model": "local-1", "success": True}
    assert {name: memory.metadata[name] for name in wanted} == wanted
    assert memory.metadata["cost"] == 0.00012
    assert memory.metadata["timestamp"].endswith("+00:00")


def test_a_benchmark_is_a_note() -> None:
    """With its settings, for people and for machines; half of a name cannot be taken for another benchmark's."""
    head = {"id": BENCHMARK, "profile": "live", "arms": ["koderz"], "margin": 0.05, "max_cost": None}
    memory = MemoryEntry.from_json(memory_of_benchmark(head).as_json())
    assert (memory.category, memory.title, memory.tags) == (
        "note",
        f"{BENCHMARK} benchmark-note",
        ("benchmark", BENCHMARK),
    )
    assert memory.metadata["record"] == head
    assert "- profile: live\n- arms: koderz\n- margin: 0.05" in memory.content


def test_an_unknown_cost_is_null_and_said_to_be_unknown() -> None:
    """It is not 0, neither in the metadata nor in the text."""
    memory = memory_of_iteration(experiment(), replace(iteration(1), cost=None))
    assert memory.metadata["cost"] is None
    assert "cost unknown" in memory.content
    free = memory_of_iteration(experiment(), replace(iteration(1), cost=Decimal(0)))
    assert free.metadata["cost"] == 0
    assert "0.000000 USD" in free.content


def test_a_colleague_can_read_it() -> None:
    """Code in a fence, the verdict in words, what the model was told."""
    content = memory_of_iteration(experiment(), iteration(3)).content
    assert content.startswith(f"Iteration 3 of {experiment().id} on HumanEval/0 (arm koderz): wrong, 1 of 3 assertions")
    assert "```python\ndef f():\n    return 3\n```" in content
    assert "What the model was told:\nIt returned a wrong answer." in content
    fenced = memory_of_iteration(experiment(), iteration(3, 'x = """\n```\n"""\n')).content
    assert "````python\n" in fenced


def test_an_iteration_without_code_is_kept() -> None:
    """As a reply that held none."""
    empty = Iteration(1, (None,), (Verdict(Outcome.NO_CODE),))
    memory = memory_of_iteration(experiment(), empty)
    assert record_of(Iteration, row(memory)) == empty
    assert memory.metadata["digest"] is None


def test_a_spec_is_found_by_its_key_only_where_it_was_paid_for() -> None:
    """One that was recalled names its payer, and cannot hide it."""
    paid = memory_of_spec(experiment(), spec(), "abc123")
    recalled = memory_of_spec(experiment(), replace(spec(), recalled_from="exp_00000000"), "abc123")
    assert "spec-abc123" in paid.title
    assert "abc123" not in recalled.title
    assert "paid for by exp_00000000" in recalled.content


FOR_ANY_TEXT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
"""However long a loaded machine takes to think of one."""

TEXTS = st.text(max_size=400) | st.text(alphabet="🙂é\n`", max_size=12_000)


@FOR_ANY_TEXT
@given(TEXTS)
def test_a_content_is_never_longer_than_the_server_keeps(text: str) -> None:
    """In the units in which JavaScript counts; what was cut says where the whole is."""
    cut = shortened(text * 4, "[whole elsewhere]")
    assert len(cut.encode("utf-16-le", "surrogatepass")) // 2 <= CONTENT_LIMIT
    assert cut == text * 4 or cut.endswith("\n\n[whole elsewhere]")


@FOR_ANY_TEXT
@given(st.text(max_size=60))
def test_titles_hold_what_every_search_takes(name: str) -> None:
    """Letters, digits and a few signs, whatever a problem is called."""
    title = title_of(replace(experiment(), problem_id=name), "iteration-1")
    assert not set(title) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/:-.,_() ")


@FOR_ANY_TEXT
@given(source=st.text(max_size=300), told=st.text(max_size=300))
def test_any_text_of_a_model_survives(source: str, told: str) -> None:
    """Whatever characters it holds; only halves of surrogate pairs, which are no text, become question marks."""
    step = iteration(1, source, told=told)
    memory = MemoryEntry.from_json(memory_of_iteration(experiment(), step).as_json())
    assert record_of(Iteration, row(memory)) == step


def test_half_a_surrogate_pair_can_be_sent() -> None:
    """Some models write them; the text is kept but for them."""
    memory = memory_of_iteration(experiment(), iteration(1, "x = '\ud83d'\n"))
    assert "x = '?'" in MemoryEntry.from_json(memory.as_json()).content


def test_secrets_of_the_environment_are_taken_out() -> None:
    """Wherever a text has brought one in, quoted or not; other values stay."""
    environment = {
        "ANTHROPIC_API_KEY": "sk-ant-secret",
        "HF_TOKEN": 'quo"ted\\secret',
        "LANG": "en_US.UTF-8",
        "A_KEY": "a",
    }
    step = iteration(1, told='sk-ant-secret quo"ted\\secret en_US.UTF-8 a')
    text = Redaction.of(environment).of_json(memory_of_iteration(experiment(), step).as_json())
    told = record_of(Iteration, row(MemoryEntry.from_json(text))).feedback
    assert told == "[redacted] [redacted] en_US.UTF-8 a"


def test_the_time_of_day_does_not_make_another_memory() -> None:
    """What is told twice, as when an experiment is resumed, is recognized."""
    one, other = (memory_of_iteration(experiment(), iteration(1)) for _ in range(2))
    assert one.digest == other.digest
    assert memory_of_iteration(experiment(), iteration(1, "other")).digest != one.digest


def test_candidates_other_than_the_best_are_kept() -> None:
    """All candidates of an iteration come back, though one alone is shown."""
    wrong, right = Verdict(Outcome.WRONG, 0, 2), Verdict(Outcome.PASSED, 2, 2)
    several = Iteration(1, (Candidate("a = 1\n"), Candidate("a = 2\n")), (wrong, right))
    memory = memory_of_iteration(experiment(), several)
    assert "a = 2" in memory.content
    assert record_of(Iteration, row(memory)) == several


_KEYS = ("experiment_id", "problem_id", "arm", "epoch", "benchmark_id", "prompt_version", "kind", "key", "record")
_OWN = (
    *(memory_of_iteration(lived(), step) for step in lived(iterations=2).iterations),
    memory_of_spec(lived(), spec(), "0123"),
    memory_of_checkpoint(lived(), guidance(1, 5)),
    memory_of_advice(lived().with_advice(advice()), advice()),
    memory_of_result(lived()),
    memory_of_benchmark({"id": BENCHMARK, "profile": "live"}),
)
_ODD: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("\x1b]0;t\x07\ud800" * 99),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def _spoilt(draw: st.DrawFn) -> dict[str, Any]:
    """A row of ours in which something is another thing, or is not there."""
    one = row(draw(st.sampled_from(_OWN)))
    metadata = json.loads(one["metadata"])
    at = metadata
    while draw(st.booleans()) and (inner := [each for each in at.values() if isinstance(each, dict) and each]):
        at = draw(st.sampled_from(inner))
    name = draw(st.sampled_from([*at, *_KEYS]))
    at.pop(name, None)
    if draw(st.booleans()):
        at[name] = draw(_ODD)
    return {**one, "metadata": metadata if draw(st.booleans()) else json.dumps(metadata)}


@settings(deadline=None)
@given(st.lists(_spoilt() | st.fixed_dictionaries({"title": st.text(), "content": st.text(), "metadata": _ODD})))
def test_rows_of_any_shape_are_ours_or_left_out(rows: list[Any]) -> None:
    """Whatever is asked of them: a spec, advice, the story of a benchmark or all of them."""
    found = exported(ToolReply(f"Exported 1 memories:\n\n{json.dumps(rows)}"))
    recalled: list[Any] = [spec_in(found, "0123"), *advice_in(found)]
    for which in ("", BENCHMARK, lived().id):
        told = told_by(found, which)
        recalled += [*told.experiments, *told.heads.values()]
        assert all("\n" not in why for why in told.unread)
    for value in filter(None, recalled):
        assert value_of(type(value), plain(value)) == value


DEEP = json.loads("[" * 900 + "]" * 900)


def test_one_odd_row_hides_no_other() -> None:
    """It is left out; where it is of what was asked for, this is said."""
    solved = replace(lived(), seed=7)
    sound = [row(memory_of_spec(solved, spec(), "0123")), row(memory_of_result(solved))]
    odd = [
        {**each, "metadata": {**json.loads(each["metadata"]), name: value}}
        for each in sound
        for name, value in (("experiment_id", 5), ("experiment_id", "../../x"), ("problem_id", DEEP), ("record", DEEP))
    ]
    rows = [*odd, *sound, *odd]
    assert spec_in(rows, "0123") == replace(spec(), recalled_from=solved.id)
    assert {(one.text, one.experiment_id) for one in advice_in(rows)} == {("Look at the return value.", solved.id)}
    told = told_by(rows, solved.id)
    assert told.experiments == (replace(solved, spec=spec(), iterations=(), checkpoints=()),)
    assert len(told.unread) == 8
    assert told_by(rows, "exp_99999999") == Recalled()


def test_nothing_is_recalled_that_no_prompt_has_room_for() -> None:
    """The journal would not take it either, and the experiment would be lost."""
    whole = memory_of_spec(lived(), spec("a" * MOST_RECALLED), "0123")
    assert spec_in([row(whole)], "0123") is None
    assert (
        spec_in([{**row(whole), "metadata": dict(whole.metadata) | {"record": plain(spec("a"))}}], "0123") is not None
    )


def test_a_result_is_of_the_experiment_that_its_memory_names() -> None:
    """Or else it would stand in a benchmark that nobody asked for, whose id names a folder."""
    other = row(memory_of_result(replace(lived(), benchmark_id="bench_99999999")))
    metadata = json.loads(other["metadata"]) | {"benchmark_id": BENCHMARK}
    (told,) = told_by([{**other, "metadata": metadata}], BENCHMARK).experiments
    assert (told.benchmark_id, told.status) == (BENCHMARK, "running")
