"""What must not leave for a person or a file: the environment's secrets, in whatever form a text repeats them."""

from __future__ import annotations

import base64
import codecs
import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

REDACTED = "[redacted]"

SHORTEST = 8
"""Characters of a key that a service gives out; real ones are far longer, and shorter values are words."""


@dataclass(frozen=True, slots=True)
class Redaction:
    """Takes secrets out of texts, where an error message or a model's reply has brought them in."""

    secrets: tuple[str, ...] = field(default=(), repr=False)
    mark: str = REDACTED

    @classmethod
    def of(cls, environment: Mapping[str, str], *others: str | None) -> Redaction:
        """Of what the environment's variables hold by their names, of the passwords in its URLs, and of *others*."""
        named = {value.strip() for name, value in environment.items() if is_secret(name, value.strip())}
        told = {value for value in others if value and is_key(value)}
        held = {word for url in environment.values() for word in _PASSWORD.findall(url) if is_key(word)}
        return cls(tuple(sorted(named | told | held, key=lambda value: (-len(value), value))))

    def __bool__(self) -> bool:
        return bool(self.secrets)

    def __call__(self, text: str) -> str:
        """*text* without them: upper-cased, spaced, in base64, in hex and with escapes too."""
        if not self.secrets or len(text) < SHORTEST:
            return text
        for secret in self.secrets:
            text = text.replace(secret, self.mark)
        squeezed = _squeezed(text)
        for needle, pattern in _patterns(self.secrets):
            if needle in squeezed:
                text = pattern.sub(self.mark, text)
        return text

    def of_plain(self, value: Any) -> Any:
        """Plain data with its texts redacted; keys stay."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, dict):
            return {key: self.of_plain(part) for key, part in value.items()}
        return [self.of_plain(part) for part in value] if isinstance(value, list) else value

    def of_json(self, text: str) -> str:
        """A JSON text with its texts redacted."""
        if not self.secrets:
            return text
        told = json.loads(text)
        clean = self.of_plain(told)
        return text if clean == told else json.dumps(clean, ensure_ascii=False)


NO_SECRETS = Redaction()

_PASSWORD = re.compile(r"://[^/@\s:]*:([^/@\s]+)@")

# --- a secret is known from a word

_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL", re.IGNORECASE)
_NO_SECRET = re.compile(
    r"_(?:PATH|FILE|DIR|FOLDER|URL|URI|HOST|ENDPOINT|NAME|MAP|SOCK|PARALLELISM|COUNT|LIMIT|TYPE|LAYOUT)$|KEYMAP|KEYBOARD",
    re.IGNORECASE,
)
"""Variables that say where or how, and not what."""


def is_secret(name: str, value: str) -> bool:
    """Whether a variable holds a secret, by its name and by what it holds."""
    if not _NAME.search(name) or _NO_SECRET.search(name):
        return False
    # Nobody issues a key of a few letters alone; people choose such passwords.
    return is_key(value) and (len(value) >= _LETTERS or not value.isalpha() or bool(_CHOSEN.search(name)))


_CHOSEN = re.compile(r"SECRET|PASS", re.IGNORECASE)
_LETTERS = 12


def is_key(value: str) -> bool:
    """Whether it may be a secret: not what stands for a key where a server wants any, such as `sk-no-key-required`."""
    if len(value) < SHORTEST or value.isdigit():
        return False
    words = re.findall(r"[a-z]+|\d+", value.casefold())
    return not all(word in _WORDS or word in "1234567890" or set(word) <= {"x"} for word in words)


_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        a all an and any anything api apikey auth bearer change changeme cpp default dummy empty example fake for
        foo bar here huggingface ignored insert is it key keys koboldcpp lemonade litellm llama llamacpp llm lm
        lmstudio local localai localhost me missing mlx model my na needed necessary nil no nokey none not nothing
        null of ollama openai optional or password placeholder proj provided put replace required sample secret set
        sglang sk some studio tabby test text textgen the this to token unused unset used value vllm whatever with
        without yes your abc abcd xxx false true anthropic
        """,
    )
)
"""Of which such stand-ins are made in the manuals of servers and clients."""

# --- the forms in which it is repeated


def _squeezed(text: str) -> str:
    """Its letters and digits alone, in one case."""
    return _SEPARATORS.sub("", text).casefold()


_COLOUR = r"\x1b\[[0-9;]*[A-Za-z]"
_SEPARATORS = re.compile(rf"(?:{_COLOUR}|[\W_])+")


@lru_cache(maxsize=16)
def _patterns(secrets: tuple[str, ...]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """What is looked for among a text's letters and digits, and the pattern that finds it with what stands between."""
    forms = [_squeezed(form) for secret in secrets for form in _forms(secret)]
    needles = [needle for needle in dict.fromkeys(forms) if len(needle) >= SHORTEST]
    return tuple((needle, re.compile(_BETWEEN.join(map(re.escape, needle)), re.IGNORECASE)) for needle in needles)


_BETWEEN = rf"(?:{_COLOUR}|[\W_]){{0,12}}"


def _forms(secret: str) -> Iterator[str]:
    yield from (secret, quote(secret, safe=""), quote_plus(secret), html.escape(secret), json.dumps(secret)[1:-1])
    content = secret.encode(errors="surrogatepass")
    yield content.hex()
    yield "".join(f"x{byte:02x}" for byte in content)
    yield "".join(f"0x{byte:02x}" for byte in content)
    yield "".join(f"u{ord(letter):04x}" for letter in secret)
    yield "".join(f"{ord(letter)}" for letter in secret)
    # Of UTF-16 the last byte depends on which of a letter's two bytes comes first.
    for written in (content, base64.b64encode(content).rstrip(b"="), secret.encode("utf-16-le", "surrogatepass")[:-1]):
        yield from _in_base64(written)
    yield base64.b32encode(content).decode().rstrip("=")
    yield secret[::-1]
    yield codecs.encode(secret, "rot13")
    yield "".join(chr(ord(letter) + _WIDE) if "!" <= letter <= "~" else letter for letter in secret)


def _in_base64(content: bytes) -> Iterator[str]:
    for before in range(3):
        # Within a longer text it stands at one of three places of base64's groups; the letters at its ends mix.
        first, last = -(-before * 8 // 6), (before + len(content)) * 8 // 6
        yield base64.b64encode(b"\0" * before + content).decode()[first:last]
        yield base64.urlsafe_b64encode(b"\0" * before + content).decode()[first:last]


_WIDE = 0xFEE0
"""From a letter of ASCII to the same one in East Asian width."""
