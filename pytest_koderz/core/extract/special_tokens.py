"""A reply without its thoughts, other people's turns and the special tokens that tokenizers and templates put into it.

Where a token of a kind was seen is said beside it: in a chat template, a tokenizer's vocabulary or a server's parser.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache

from .program_texts import outside_programs


def said_in(text: str) -> str:
    """What is said to the user in a plain text; a mark is a line's end. Marks within programs are texts."""
    speech = _Speech()
    place = 0
    for mark in outside_programs(text, list(_mark().finditer(text))):
        speech.say(text[place : mark.start()])
        # Many tokenizers put a blank behind a mark.
        place = mark.end() + (_BLANK.match(text, mark.end()) is not None)
        speech.turn(mark.lastgroup or "")
        if speech.ended:
            return "\n".join(speech.parts)
    return "\n".join([*speech.parts, text[place:]])


_BLANK = re.compile(r" (?=\S)")


@dataclass(slots=True)
class _Speech:
    """What is said so far, mark by mark."""

    parts: list[str] = field(default_factory=list)
    ended: bool = False
    """There is code, and then the model began to speak for the user, or to write another text."""
    _code: int | None = None
    """The first part with code in it."""
    _thought: tuple[str, int] | None = None
    """The kind of the mark behind which the model thinks, and the part with which it began to."""
    _asked: bool = False
    """The conversation is repeated before the answer."""

    def say(self, part: str) -> None:
        if self._code is None and _CODE.search(part):
            self._code = len(self.parts)
        self.parts.append(part)

    def turn(self, kind: str) -> None:
        """Take note of a mark of that kind."""
        match kind:
            case "open" | "aside" | "analysis":
                self._thought = (kind, len(self.parts))
            case "closed" | "unaside" | "final":
                self._answer(kind)
            case "end" if self._thought and self._thought[0] == "analysis":
                self._answer(kind)
            case "other" | "stop" if not (self._thought or self._asked) and self._code is not None:
                self.ended = True
            case "other":
                self._asked = True
            case "own" if self._asked:
                self._forget(0)
                self._asked = False

    def _answer(self, kind: str) -> None:
        """Some servers leave out the opening mark: all that comes before the closing one was thought."""
        alone = len(self.parts) if kind == "unaside" else 0
        self._forget(self._thought[1] if self._thought and kind != "final" else alone)
        self._thought = None

    def _forget(self, begin: int) -> None:
        del self.parts[begin:]
        if self._code is not None and self._code >= begin:
            self._code = None


_CODE = re.compile(r"```|^[ \t]*(?:def|class|return)\b", re.MULTILINE)

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
_FINAL = (
    rf"{_HEAD}<\|channel\|>\s*final\b{_MESSAGE}|assistantfinal"
    # Open-Thoughts, whose thought is not always closed.
    rf"|{_special(f'(?:begin|start){_GAP}of{_GAP}(?:solution|answer)')}"
)
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

_STOP = "|".join(
    (
        # Falcon, StarCoder, Granite, DeepSeek, OpenChat, Cohere; Llama 3 and 4; ChatML; EXAONE; Gemma; Llama 2.
        _special(f"end{_GAP}of{_GAP}(?:text|sentence|turn|message)(?:_token)?"),
        _special("(?:eo[tms](?:_id)?|im_end)"),
        r"\[\|endofturn\|\]|<(?:end_of_turn|turn\||eos|/s)>",
    )
)
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
        r"\[/?PYTHON\]|<0x0A>",  # CodeLlama; a vocabulary's line end
        r"\[e~\[|\]~!?b[\[\]]|\]!p~\[",  # MiniMax
    )
)


@cache
def _mark() -> re.Pattern[str]:
    """Any mark, by kind. Compiled for the first reply: that takes longer than any other line that is loaded."""
    return re.compile(
        rf"(?P<analysis>{_ANALYSIS})|(?P<final>{_FINAL})|(?P<open>{_OPEN})|(?P<closed>{_CLOSED})"
        rf"|(?P<aside><(?:{_ASIDES})>)|(?P<unaside></(?:{_ASIDES})>)"
        rf"|(?P<own>{_OWN})|(?P<other>{_OTHER})|(?P<end>{_END})|(?P<stop>{_STOP})|(?P<plain>{_PLAIN})",
        re.IGNORECASE | re.MULTILINE,
    )
