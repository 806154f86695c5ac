"""A secret is known from a word, and found in whatever form a text repeats it."""

from __future__ import annotations

import base64
import codecs
import json
from urllib.parse import quote

import pytest

from pytest_koderz.files.secret_values import REDACTED, Redaction

KEY = "sk-proj-4f9A/x+7Qz81-Lm03=="
ENVIRONMENT = {"OPENAI_API_KEY": KEY}
FORMS = {
    "as it is": KEY,
    "in upper case": KEY.upper(),
    "in lower case": KEY.lower(),
    "spaced": " ".join(KEY),
    "with dashes": "-".join(KEY),
    "letter by letter": repr(list(KEY)),
    "broken over lines": f"{KEY[:9]}\n    {KEY[9:]}",
    "in base64": base64.b64encode(KEY.encode()).decode(),
    "in base64 for URLs": base64.urlsafe_b64encode(KEY.encode()).decode(),
    "behind one letter in base64": base64.b64encode(f"a{KEY}".encode()).decode(),
    "as a header in base64": base64.b64encode(f"Bearer {KEY}\n".encode()).decode(),
    "in hex": KEY.encode().hex(),
    "in spaced upper hex": KEY.encode().hex(":").upper(),
    "in a URL": quote(KEY, safe=""),
    "all percent": "".join(f"%{byte:02x}" for byte in KEY.encode()),
    "in Python's escapes": "".join(f"\\x{byte:02x}" for byte in KEY.encode()),
    "in JSON's escapes": "".join(f"\\u{byte:04x}" for byte in KEY.encode()),
    "in HTML's references": "".join(f"&#{byte};" for byte in KEY.encode()),
    "twice in base64": base64.b64encode(base64.b64encode(KEY.encode())).decode(),
    "as a header twice in base64": base64.b64encode(b"a" + base64.b64encode(KEY.encode()) + b"\n").decode(),
    "in base64 of UTF-16": base64.b64encode(KEY.encode("utf-16-le")).decode(),
    "in base64 of a text in UTF-16": base64.b64encode(f"key {KEY}\n".encode("utf-16")).decode(),
    "in base64 of UTF-16, the other bytes first": base64.b64encode(KEY.encode("utf-16-be")).decode(),
    "in ROT13": codecs.encode(KEY, "rot13"),
    "in base32": base64.b32encode(KEY.encode()).decode(),
    "backwards": KEY[::-1],
    "in wide letters": "".join(chr(ord(letter) + 0xFEE0) for letter in KEY),
    "coloured": "\x1b[0m".join(KEY),
    "as numbers": repr(list(KEY.encode())),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_a_key_is_found_in_every_form(form: str) -> None:
    """What stands around it stays."""
    found = Redaction.of(ENVIRONMENT)(f"It is [{form}], said the server.")
    assert found.startswith("It is [")
    assert found.endswith("], said the server.")
    assert REDACTED in found
    # Of base64, the letters at its ends hold a few bits of what stands beside.
    assert len(found) < len(f"It is [{REDACTED}], said the server.") + 28
    letters = "".join(filter(str.isalnum, found)).casefold()
    assert "4f9ax7qz81" not in letters
    assert "346639412f78" not in letters


def test_what_is_no_secret_stays() -> None:
    """Neither a program nor a hash nor another key is touched."""
    text = "def f(x, key=None):\n    return sorted(x, key=key)  # 0123456789abcdef sk-proj-other\n" * 20
    assert Redaction.of(ENVIRONMENT)(text) is text


WORDS = [
    *("1", "x", "key", "none", "EMPTY", "ollama", "sk-no-key-required", "not-needed", "no-key-required", "lm-studio"),
    *(
        "token-abc123",
        "your-api-key-here",
        "dummy-key",
        "placeholder",
        "xxxxxxxxxxxx",
        "12345678",
        "sorted",
        "function",
    ),
    *("sk-xxx", "sk-1234", "local-llm", "llama.cpp", "test_token", "change-me", "<insert your key>"),
]


@pytest.mark.parametrize("word", WORDS)
def test_what_stands_for_a_key_is_a_word(word: str) -> None:
    """Servers of one's own want any, and manuals suggest these."""
    redaction = Redaction.of({"OPENAI_API_KEY": word, "HF_TOKEN": word}, word if len(word) < 8 else None)
    assert not redaction
    assert redaction(f"{word} = {word}") == f"{word} = {word}"


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("ANTHROPIC_API_KEY", "sk-ant-api03-abc", True),
        ("HF_TOKEN", "hf_AbCdEfGhIjKlMn", True),
        ("DB_PASSWORD", "letmeinnow", True),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG", True),
        ("GOOGLE_CREDENTIALS", "ya29.a0AfH6SMB", True),
        ("TOKENIZERS_PARALLELISM", "falsefalse1", False),
        ("XKB_KEYMAP_OPTION", "ctrl:nocaps", False),
        ("SSH_KEY_PATH", "/home/me/.ssh/id", False),
        ("LANG", "en_US.UTF-8", False),
        ("OLLAMA_HOST", "http://me:p4ss-of-37@box:1", True),
    ],
)
def test_a_variable_says_what_it_holds(name: str, value: str, secret: bool) -> None:
    """By its name, and by what it holds; of a URL the password alone."""
    assert bool(Redaction.of({name: value})) is secret
    shown = Redaction.of({name: value})(f"We have {value} here.")
    assert (REDACTED in shown) is secret
    assert ("http://me:" in shown) is value.startswith("http")


def test_a_repr_shows_no_secret() -> None:
    """It lands in tracebacks."""
    assert KEY not in repr(Redaction.of(ENVIRONMENT))


def test_plain_data_is_redacted_in_its_texts() -> None:
    """Numbers and keys stay as they are, and so does a text of JSON without a secret, to the letter."""
    redaction = Redaction.of({"A_KEY": 'quo"ted\\secret'})
    told = {"a": ['quo"ted\\secret', 1, None, 0.1], "b": {"c": "plain"}}
    assert redaction.of_plain(told) == {"a": [REDACTED, 1, None, 0.1], "b": {"c": "plain"}}
    assert json.loads(redaction.of_json(json.dumps(told)))["a"][0] == REDACTED
    text = '{"a":  "b"}'
    assert redaction.of_json(text) is text
