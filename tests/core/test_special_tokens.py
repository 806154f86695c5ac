"""Marks of tokenizers and chat templates around a program and within it.

Each stands in a template, a vocabulary or a server's parser in use; `special_tokens.py` says whose it is.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_koderz.core.extract import candidate_of
from pytest_koderz.core.iteration import Candidate

from .test_extract import HEAD, LOOP, SUM, WHOLE, works

DRAFT = "def total(numbers):\n    return 0\n"
ENDS = [
    *("<|EOT|>", "<\uff5cend\u2581of\u2581sentence\uff5c>", "<\uff5cAssistant\uff5c>"),  # DeepSeek
    *("<|END_OF_TURN_TOKEN|>", "<|END_RESPONSE|>", "<EOS_TOKEN>"),  # Cohere
    *(
        "<end_of_utterance>",
        "<|im_end|>",
        "<|endoftext|>",
        "</s>",
        "<EOT>",
    ),  # SmolVLM, Qwen, Falcon, Llama 2, CodeLlama
    *("<|eot_id|>", "<|eom_id|>", "<|eot|>", "<|eom|>", "<|end_of_text|>"),  # Llama 3 and 4, Granite
    *("<end_of_turn>", "<eos>", "<turn|>", "<pad>", "<unused12>"),  # Gemma
    *("<|return|>", "<|end|>", "<|call|>"),  # gpt-oss, Phi
    *("[EOS]", "<|im_assistant|>", "[e~[", "<end_of_sentence>"),  # Kimi, MiniMax
    *("<eop>", "<|user|>", "<|observation|>", "<|end_of_box|>"),  # GLM
    *("[|endofturn|]", "<seed:eos>", "<SPECIAL_12>", "<|role_end|>", "<|assistant_end|>", "<|end_of_turn|>"),
    *("<|eos|>", "<|end_of_solution|>", "<|end_of_sentence|>", "<reserved_106>", "<extra_id_1>", "<eoa>"),
]
MARKS = [
    *ENDS,
    *(
        "<think>",
        "</think>",
        "[THINK]",
        "[/THINK]",
        "\u25c1think\u25b7",
        "\u25c1/think\u25b7",
        "<s>",
        "[INST] ",
        "[/INST]",
    ),
    *(
        "<|begin_of_thought|>",
        "<|end_of_thought|>",
        "<|START_THINKING|>",
        "<|END_THINKING|>",
        "<thought>",
        "</thought>",
    ),
    *("<|channel|>analysis<|message|>", "<|channel|>final<|message|>", "<|im_start|>user", "<<SYS>>", "<answer>"),
    *("</answer>", "<solution>", "</solution>", "```", "assistantfinal", "<|channel>thought", "<channel|>", "]~b]ai"),
]
MARKED = (
    'def total(numbers):\n    """Sum, between <think> and </think>.\n    <|im_start|>user\n    </s>\n    """\n'
    "    last = 'a</think>b'.split('</think>')[-1]  # not </s>\n    tokens = ['<s>'] + ['[INST] ', \"</s>\"]\n"
    "    assert last == 'b' and len(tokens) == 3, '<|EOT|>'\n    return sum(numbers)\n"
)
BODY = MARKED.split('"""\n')[1]


@pytest.mark.parametrize("end", ENDS)
def test_a_mark_of_the_end_is_cut(end: str) -> None:
    """Wherever it hangs: on the last line of code, behind a fence, on a line of its own."""
    for code in (WHOLE, LOOP, MARKED, BODY, f"```python\n{WHOLE}```", f"Sure:\n```python\n{MARKED}"):
        assert works(candidate_of(code.rstrip() + end, SUM)), code
        assert works(candidate_of(f"{code.rstrip()}{end}\n", SUM)), code
    assert candidate_of(f"{MARKED}{end}", SUM) == Candidate(MARKED)


THOUGHTS = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("[THINK]", "[/THINK]"),
    ("\u25c1think\u25b7", "\u25c1/think\u25b7"),
    ("<|begin_of_thought|>", "<|end_of_thought|>\n\n<|begin_of_solution|>"),
    ("<|START_THINKING|>", "<|END_THINKING|><|START_RESPONSE|>"),
    ("<\uff5cbegin\u2581of\u2581thought\uff5c>", "<\uff5cend\u2581of\u2581thought\uff5c>"),
    ("<seed:think>", "</seed:think>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("<|channel>thought\n", "<channel|>"),
    ("<unused94>thought\n", "<unused95>"),
    ("<|think|>", "<|end|><|begin|>assistant<|content|>"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ("analysis<|message|>", "<|end|>\n"),
    ("analysisWe try.", "assistantfinal"),
    ("Here is my thought process:\n", "Here is my response:\n"),
    # The template opens the thought, and the server keeps that.
    ("", "</think>"),
    ("", "<|end_of_thought|>"),
    ("", "<|END_THINKING|>"),
    ("", "<|start|>assistant<|channel|>final<|message|>"),
    ("<|im_start|>assistant\n<think>", "</think>"),
]


@pytest.mark.parametrize(("opened", "closed"), THOUGHTS)
def test_a_draft_in_a_thought_is_not_the_answer(opened: str, closed: str) -> None:
    """However both are marked, and though the answer speaks of the mark itself."""
    fenced = f"```python\n{DRAFT}```"
    answers = (
        WHOLE,
        LOOP,
        MARKED,
        BODY,
        f"```python\n{MARKED}```\nIt splits at `</think>`.",
        f"So:\n\n{MARKED}\nDone.",
    )
    for draft in (f"We try\n\n{DRAFT}\nbut no.\n", f"Try {fenced}\nno.\n"):
        for answer in answers:
            assert works(candidate_of(f"{opened}\n{draft}{closed}\n{answer}", SUM)), answer


TURNS = [
    "<|im_start|>assistant\n",
    "<|start_header_id|>assistant<|end_header_id|>\n\n",
    "<|header_start|>assistant<|header_end|>\n\n",
    "<\uff5cAssistant\uff5c>",
    "<|assistant|>\n",
    "<start_of_turn>model\n",
    "<|turn>model\n",
    "]~b]ai\n",
    "<|start_of_role|>assistant<|end_of_role|>",
    "<|im_assistant|>assistant<|im_middle|>",
    "<|start|>assistant<|channel|>final<|message|>",
    "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
    "[|assistant|]",
    "[gMASK]<sop><|assistant|>\n",
    "<|begin_of_text|>",
    "<s> ",
    "<bos>",
    f"[INST] Write it.\n{HEAD}[/INST] ",
    f"<|im_start|>user\n{HEAD}<|im_end|>\n<|im_start|>assistant\n",
]


@pytest.mark.parametrize("turn", TURNS)
def test_the_head_of_a_turn_is_cut(turn: str) -> None:
    """With the role in it, and the question before it."""
    for answer in (WHOLE, LOOP, MARKED, BODY, f"```python\n{MARKED}```"):
        assert works(candidate_of(turn + answer, SUM)), answer


@pytest.mark.parametrize(
    "turn",
    [
        "<|im_end|>\n<|im_start|>user\nNow badly.<|im_end|>\n<|im_start|>assistant\n",
        "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nBadly<|eot_id|>",
        "</s>[INST] Now badly [/INST]",
        "<|user|>\nNow badly\n<|assistant|>\n",
        "<end_of_turn>\n<start_of_turn>user\nBadly<end_of_turn>\n<start_of_turn>model\n",
    ],
)
def test_what_a_model_says_for_the_user_and_after_that_is_not_its_answer(turn: str) -> None:
    """Models without a stop go on with a conversation of their own."""
    assert works(candidate_of(f"{WHOLE.rstrip()}{turn}{DRAFT}", SUM))
    assert works(candidate_of(f"```python\n{WHOLE}```{turn}```python\n{DRAFT}```", SUM))


@pytest.mark.parametrize(
    "end", ["<|endoftext|>", "</s>", "<|im_end|>", "<|EOT|>", "<\uff5cend\u2581of\u2581sentence\uff5c>"]
)
def test_another_text_behind_the_end_is_not_the_answer(end: str) -> None:
    """Base models write one document after the other."""
    for answer in (WHOLE, MARKED, f"```python\n{WHOLE}```"):
        for other in ("import no_module\nno_module.run()\n", DRAFT, "int(input())\n"):
            assert works(candidate_of(f"{answer.rstrip()}{end}{other}", SUM))


SAYINGS = st.lists(st.one_of(st.sampled_from(MARKS), st.text("ab <>|[]/\n", max_size=4)), max_size=4).map("".join)


def _program(sayings: list[str]) -> str:
    """It checks that its texts are still what they were."""
    lines = [
        line
        for number, text in enumerate(sayings)
        for line in (
            f"    text_{number} = {text!r}",
            f"    assert len(text_{number}) == {len(text)}, {text!r}",
            f"    assert [{text!r}, ''][0] == text_{number}",
        )
    ]
    return "\n".join(["def total(numbers):", *lines, "    return sum(numbers)", ""])


@settings(deadline=None, max_examples=40)
@given(st.lists(SAYINGS, min_size=1, max_size=3), st.sampled_from(["", "<think>\nHm.\n</think>\n", "Sure:\n\n"]))
def test_a_program_with_marks_in_its_strings_is_left_alone(sayings: list[str], before: str) -> None:
    """In a fence, bare, behind a thought, among prose and before the mark of the end."""
    program = _program(sayings)
    body = program.partition("\n")[2]
    for reply in (program, f"```python\n{program}```", f"{before}```python\n{program}```\nSo.", before + program):
        assert candidate_of(reply, SUM) == Candidate(program)
    for reply in (f"{program.rstrip()}<|EOT|>", f"{before}{program}\nDone.", body, f"{body.rstrip()}</s>"):
        assert works(candidate_of(reply, SUM))


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from(MARKS), min_size=1, max_size=4).map("\n".join))
def test_marks_in_a_docstring_are_left_alone(marks: str) -> None:
    """Texts may have several lines."""
    program = f'def total(numbers):\n    """Tell.\n\n{marks}\n    """\n    return sum(numbers)\n'
    for reply in (program, f"Here:\n```python\n{program}```\nSo.", f"<think>\nHm\n</think>\n{program}"):
        assert candidate_of(reply, SUM) == Candidate(program)


def test_a_name_in_brackets_is_code() -> None:
    """`[EOS]` is a mark only where it can be none."""
    code = "EOS = 0\n\n\ndef total(numbers):\n    return [sum(numbers)][EOS]\n"
    for reply in (code, f"So:\n\n{code}\nDone.", f"```python\n{code}```"):
        assert works(candidate_of(reply, SUM))
