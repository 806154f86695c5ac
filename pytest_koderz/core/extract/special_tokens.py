"""A reply without its thoughts, other people's turns and the special tokens that tokenizers and templates put into it.

Where a token of a kind was seen is said beside it: in a chat template, a tokenizer's vocabulary or a server's parser.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .program_texts import outside_programs


def said_in(text: str) -> str:
    """What is said to the user in a plain text; a mark is a line's end. Marks within programs are texts."""
    marks = outside_programs(text, list(_MARK.finditer(text)))
    said: list[str] = []
    thought: tuple[str, int] | None = None
    asked = False
    place = 0
    for mark in marks:
        said.append(text[place : mark.start()])
        # Many tokenizers put a blank behind a mark.
        place = mark.end() + (_BLANK.match(text, mark.end()) is not None)
        match mark.lastgroup:
            case "open" | "aside" | "analysis" as kind:
                thought = (kind, len(said))
            case "closed" | "unaside" | "final" as kind:
                # Some servers leave out the opening mark: all that comes before the closing one was thought.
                begun = thought[1] if thought and kind != "final" else 0 if kind != "unaside" else len(said)
                del said[begun:]
                thought = None
            case "end" if thought and thought[0] == "analysis":
                del said[thought[1] :]
                thought = None
            case "other" if _is_answered(said):
                return "\n".join(said)
            case "other":
                asked = True
            case "own" if asked:
                # The conversation is repeated before the answer.
                said.clear()
                asked = False
    return "\n".join([*said, text[place:]])


_BLANK = re.compile(r" (?=\S)")


def _is_answered(said: Sequence[str]) -> bool:
    """Whether there is code before the model begins to speak for the user."""
    return any(_CODE.search(part) for part in said)


_CODE = re.compile(r"```|^[ \t]*(?:def|class|return|import|from|for|while|if)\b|^[ \t]*\w+ = ", re.MULTILINE)

# --- the marks

_BAR = "[|\uff5c]"
"""DeepSeek writes its bars and blanks as wider letters: `<\uff5cend\u2581of\u2581sentence\uff5c>`."""
_GAP = "[_\u2581 -]?"
_THINK = r"(?:think(?:ing)?|thoughts?|reason(?:ing)?)"


def _special(name: str) -> str:
    """A special token of that name."""
    return rf"<{_BAR}{name}{_BAR}>"


_OPEN = "|".join(
    (
        r"<(?:\w+:)?think(?:ing)?(?: [^<>\n]{0,80})?>",  # DeepSeek, Qwen, GLM, MiniMax, SmolLM; Seed has <seed:think>
        r"\[THINK\]",  # Mistral
        "\u25c1think\u25b7",  # Kimi
        _special(f"(?:begin|start){_GAP}(?:of{_GAP})?{_THINK}"),  # Open-Thoughts, Sky-T1; Cohere has START_THINKING
        _special(f"{_THINK}{_GAP}(?:begin|start)"),
        _special("inner_prefix"),  # Apertus
        r"<\|channel>\s*(?:thought|analysis)\b",  # Gemma 4
        r"<unused94>(?:thought\b)?",  # MedGemma
        r"^Here(?: is|'s) my thought process:",  # Granite 3.2
    )
)
_CLOSED = "|".join(
    (
        r"</(?:\w+:)?think(?:ing)?>",
        r"\[/THINK\]",
        "\u25c1/think\u25b7",
        _special(f"end{_GAP}(?:of{_GAP})?{_THINK}"),
        _special(f"{_THINK}{_GAP}end"),
        _special(f"/{_THINK}"),
        _special("inner_suffix"),
        r"<channel\|>",
        r"<unused95>",
        r"^Here(?: is|'s) my response:",
    )
)
_ASIDES = "thoughts?|reasoning|reflection|scratchpad|analysis|inner_monologue"
"""Tags that instructions ask for; EXAONE Deep's `<thought>`. Without the opening one the closing one says nothing."""

# Harmony, of gpt-oss: github.com/openai/harmony, docs/format.md. Some servers take the tokens away and leave the words:
# llama-farm/llamafarm, issue 753.
_HEAD = r"(?:<\|start\|>\s*assistant\s*)?"
_MESSAGE = r"[^<\n]{0,80}(?:<\|constrain\|>[^<\n]{0,20})?<\|message\|>"
_ANALYSIS = (
    rf"(?:{_HEAD}<\|channel\|>|\A)\s*(?:analysis|commentary)\b{_MESSAGE}|\Aanalysis(?=[A-Z])"
    rf"|{_special(_THINK)}"  # Solar Open
)
_FINAL = rf"{_HEAD}<\|channel\|>\s*final\b{_MESSAGE}|assistantfinal"
_END = r"<\|(?:end|start|return|call|channel|content)\|>"

_TURN = (
    # ChatML (Qwen, Yi, LFM2), Llama 3 and 4, Granite, harmony, Gemma 2 to 4, MiniMax, Ling, Solar Open.
    rf"(?:{_special('(?:im_start|start_header_id|header_start|start_of_role|start|begin)')}"
    r"|<start_of_turn>|<\|turn>|\]~b\]|<role>)\s*"
)
_TAIL = rf"(?:\s*(?:{_special('(?:end_header_id|header_end|end_of_role|im_middle|im_sep|message)')}|</role>))?"
_WE = "(?:assistant|model|chatbot|ai|bot)"
_THEY = "(?:user|human|system|developer|tool|function|observation|ipython|environment)"


def _turn(role: str) -> str:
    """The head of a turn: in words behind a mark, or by a mark of its own."""
    # Kimi: <|im_user|>user<|im_middle|>; Cohere: <|USER_TOKEN|>; EXAONE: [|user|]; Apertus: <|user_start|>.
    own = f"(?:im_|hy_|start_)?{role}(?:_token|_start)?"
    return rf"{_TURN}{role}\b{_TAIL}|(?:{_special(own)}|\[\|{role}\|\])(?:{role}{_special('im_middle')})?"


_OWN = rf"{_turn(_WE)}|\[/INST\]"
_OTHER = rf"{_turn(_THEY)}|\[INST\]"

_PLAIN = "|".join(
    (
        # Nearly everyone: <|EOT|>, <|eot_id|>, <|im_end|>, <|endoftext|>, <|END_OF_TURN_TOKEN|>, <|reserved_token_1|>.
        _special("[^<>|\uff5c\\s]{1,40}"),
        _special("[A-Za-z][a-z_]*(?: [a-z]+){1,3}"),
        r"<\|[a-z_]{2,20}>|<[a-z_]{2,20}\|>",  # Gemma 4: <|turn>, <turn|>
        r"\[\|\w{2,20}\|\]",  # EXAONE: [|endofturn|]
        r"</?s>",  # Llama 2, Mistral
        # Gemma, GLM (<sop>, <eop>), InternLM (<eoa>), CodeLlama (<EOT>).
        r"</?(?:[bes]o[sdpmthac]|pad|unk|cls|sep|mask|eoss?)>",
        r"</?(?:start|end|begin|beginning)_of_[a-z_]{2,20}>",  # Gemma, SmolVLM (<end_of_utterance>), MiniMax-Text
        r"<[A-Z]{2,4}_TOKEN>",  # Cohere: <EOS_TOKEN>
        r"<[a-z]+:(?:[be]os|pad)>",  # Seed: <seed:eos>
        # T5, Gemma, Baichuan, Nemotron, InternLM.
        r"<(?:extra_id|unused|reserved|special|tokens_unused)_?(?:special_)?(?:token_)?\d{1,4}>",
        r"<(?:fim_(?:prefix|middle|suffix|pad)|file_sep|jupyter_[a-z]+)>",  # StarCoder
        # Mistral.
        r"\[/?(?:SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|MODEL_SETTINGS|PREFIX|SUFFIX|MIDDLE)\]",
        r"<</?SYS>>",  # Llama 2
        r"\[(?:BOS|EOS|EOT|gMASK)\]",  # Kimi, GLM
        r"\[e~\[|\]~!?b[\[\]]|\]!p~\[",  # MiniMax
    )
)

_MARK = re.compile(
    rf"(?P<analysis>{_ANALYSIS})|(?P<final>{_FINAL})|(?P<open>{_OPEN})|(?P<closed>{_CLOSED})"
    rf"|(?P<aside><(?:{_ASIDES})>)|(?P<unaside></(?:{_ASIDES})>)"
    rf"|(?P<own>{_OWN})|(?P<other>{_OTHER})|(?P<end>{_END})|(?P<plain>{_PLAIN})",
    re.IGNORECASE | re.MULTILINE,
)
