"""A user's mistakes: one line that says where, what, and what would be right, and exit status 4."""

from __future__ import annotations

import errno
import glob
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

import pytest

from pytest_koderz.files.usage_error import MOST, UsageError
from pytest_koderz.settings import Choice, load_settings
from tests.conftest import Run

BASE = """
profile: mine
profiles:
  mine: {arms: [solo], models: {local: coder}}
arms:
  solo: {local: local}
models:
  coder: {backend: ollama, model: "qwen2.5-coder:7b"}
"""

MISTAKES = {
    "unknown key": ("profil: mine\n", "koderz.yaml:1: profil: no such key (did you mean 'profile'?)"),
    "unknown key of an arm": (
        "arms:\n  solo: {local: local, max_iteration: 3}\n",
        "koderz.yaml:2: arms.solo.max_iteration: no such key (did you mean 'max_iterations'?)",
    ),
    "unknown key of a model": (
        "models:\n  coder:\n    backend: ollama\n    model: x\n    temprature: 1\n",
        "koderz.yaml:5: models.coder.temprature: no such key (did you mean 'temperature'?)",
    ),
    "unknown key of the sandbox": (
        "sandbox: {timeot: 3}\n",
        "koderz.yaml:1: sandbox.timeot: no such key (did you mean 'timeout'?)",
    ),
    "missing key": ("arms:\n  solo: {spec: spec}\n", "koderz.yaml:2: arms.solo: local is missing"),
    "a key that is nowhere": (
        BASE + "iterations: 3\n",
        "koderz.yaml:9: iterations: no such key (there is: allow_unknown_price, arms, ",
    ),
    "a word for a number": (
        "arms:\n  solo: {local: local, max_iterations: fifty}\n",
        (
            "koderz.yaml:2: arms.solo.max_iterations: input should be a valid integer, unable to parse string as an "
            "integer, not 'fifty'"
        ),
    ),
    "zero iterations": (
        "arms:\n  solo: {local: local, max_iterations: 0}\n",
        "koderz.yaml:2: arms.solo.max_iterations: input should be greater than or equal to 1, not 0",
    ),
    "a negative price": (
        "prices:\n  x: {input: -1, output: 1, as_of: 2026-11-22, source: me}\n",
        "koderz.yaml:2: prices.x.input: input should be greater than or equal to 0, not -1",
    ),
    "a price without a date": (
        "prices:\n  x: {input: 1, output: 1, source: me}\n",
        "koderz.yaml:2: prices.x: as_of is missing",
    ),
    "a price without a date and a source": (
        "prices:\n  x: {input: 1, output: 1}\n",
        "koderz.yaml:2: prices.x: as_of and source are missing",
    ),
    "an unknown feedback policy": (
        "arms:\n  solo: {local: local, feedback: everything}\n",
        (
            "koderz.yaml:2: arms.solo.feedback: input should be 'none', 'outcome', 'visible', 'assertion' or 'all', "
            "not 'everything'"
        ),
    ),
    "a list for a mapping": (
        "arms: [solo]\n",
        "koderz.yaml:1: arms: input should be a valid dictionary, not ['solo']",
    ),
    "a text for the whole file": ("hello\n", "koderz.yaml:1: the file must hold keys such as `arms:`, not str"),
    "a YAML error": ("arms: [\n", "koderz.yaml:2: not valid YAML: "),
    "a key twice": ("arms: {}\narms: {}\n", "koderz.yaml:2: arms: given twice, first in line 1"),
    "a tab": ("arms:\n\tsolo: {}\n", "koderz.yaml:2: not valid YAML: "),
    "no such profile": (
        "profile: embeded\n",
        "koderz.yaml:1: profile: no profile named 'embeded' (did you mean 'embedded'?)",
    ),
    "no such arm": (
        "profile: mine\nprofiles:\n  mine: {arms: [kodrez], models: {}}\n",
        "koderz.yaml:3: profiles.mine.arms: no arm named 'kodrez' (did you mean 'koderz'?)",
    ),
    "a slot that nothing fills": (
        "profile: mine\nprofiles:\n  mine: {arms: [local-only], models: {}}\n",
        "koderz.yaml:3: profiles.mine.models: slot 'local' of arm 'local-only' is not filled (there is: ",
    ),
    "a misspelt slot": (
        "profile: mine\nprofiles:\n  mine: {arms: [koderz], models: {sepc: smollm2, local: smollm2}}\n",
        "koderz.yaml:3: profiles.mine.models: slot 'spec' of arm 'koderz' is not filled (did you mean 'sepc'?)",
    ),
    "a slot of one's own arm that nothing fills": (
        BASE.replace("local: local", "local: locl"),
        (
            "koderz.yaml:6: arms.solo.local: no model named 'locl', and profile 'mine' fills no such slot "
            "(did you mean 'local'?)"
        ),
    ),
    "a misspelt key in place of one that must be there": (
        "profiles:\n  mine: {arm: [koderz], models: {}}\n",
        "koderz.yaml:2: profiles.mine.arm: no such key (did you mean 'arms'?)",
    ),
    "the same of an arm": (
        "arms:\n  solo: {locl: local}\n",
        "koderz.yaml:2: arms.solo.locl: no such key (did you mean 'local'?)",
    ),
    "the same of a model": (
        "models:\n  a: {backend: ollama, modell: x}\n",
        "koderz.yaml:2: models.a.modell: no such key (did you mean 'model'?)",
    ),
    "the same of a price": (
        "prices:\n  m: {input: 0.5, outptu: 2, as_of: 2026-11-22, source: me}\n",
        "koderz.yaml:2: prices.m.outptu: no such key (did you mean 'output'?)",
    ),
    "a misspelt word for a price": (
        "prices:\n  m: fre\n",
        "koderz.yaml:2: prices.m: must be `free` or a mapping with input, output, as_of and source, not 'fre'",
    ),
    "a text for a model": (
        "models:\n  a: ollama\n",
        "koderz.yaml:2: models.a: must be a mapping with backend and model, not 'ollama'",
    ),
    "a text for an arm": ("arms:\n  a: b\n", "koderz.yaml:2: arms.a: must be a mapping with local, not 'b'"),
    "a number for the sandbox": (
        "sandbox: 3\n",
        "koderz.yaml:1: sandbox: must be a mapping with keys such as timeout, not 3",
    ),
    "a misspelt back end of a model that takes no part": (
        "models:\n  a:\n    model: x\n    backend: olama\n",
        "koderz.yaml:4: models.a.backend: no back end named 'olama' (did you mean 'ollama'?)",
    ),
    "a misspelt back end of a model without a price": (
        BASE.replace("backend: ollama", "backend: olama"),
        "koderz.yaml:8: models.coder.backend: no back end named 'olama' (did you mean 'ollama'?)",
    ),
    "a misspelt option": (
        "models:\n  a:\n    backend: simulated\n    model: x\n    options:\n      spec: 1\n      strenth: 0.4\n",
        (
            "koderz.yaml:7: models.a.options.strenth: the back end 'simulated' has no such option "
            "(did you mean 'strength'?)"
        ),
    ),
    "a misspelt arm of a profile that does not run": (
        "profiles:\n  other: {arms: [kodrez], models: {}}\n",
        "koderz.yaml:2: profiles.other.arms: no arm named 'kodrez' (did you mean 'koderz'?)",
    ),
    "a misspelt model of a profile that does not run": (
        "profiles:\n  other: {arms: [koderz], models: {extra: smollm}}\n",
        "koderz.yaml:2: profiles.other.models.extra: no model named 'smollm' (did you mean 'smollm2'?)",
    ),
    "a slot with a misspelt model": (
        "profile: mine\nprofiles:\n  mine: {arms: [local-only], models: {local: qwen-codr}}\n",
        "koderz.yaml:3: profiles.mine.models.local: no model named 'qwen-codr' (did you mean 'qwen-coder'?)",
    ),
    "an unknown control": ("control: frontier\n", "koderz.yaml:1: control: no arm named 'frontier'"),
    "an unknown price": (
        (
            "profile: mine\nprofiles:\n  mine: {arms: [local-only], models: {local: new}}\n"
            "models:\n  new: {backend: anthropic, model: claude-zeta-99}\n"
        ),
        "koderz.yaml:5: models.new: no price is known for 'claude-zeta-99'; add it under `prices: claude-zeta-99:`",
    ),
    "an unknown control model": (
        "profile: mine\nprofiles:\n  mine: {arms: [local-only], models: {local: smollm2}, control_model: gpt-zeta}\n",
        "koderz.yaml:3: profiles.mine.control_model: no price is known for 'gpt-zeta'",
    ),
    "a margin of 200 per cent": (
        "margin: 2\n",
        "koderz.yaml:1: margin: input should be less than or equal to 1, not 2",
    ),
    "a GPU that costs nothing": (
        "local_rate: 0\n",
        "koderz.yaml:1: local_rate: input should be greater than 0, not 0",
    ),
    "a timeout of no time": (
        "sandbox: {timeout: 0}\n",
        "koderz.yaml:1: sandbox.timeout: input should be greater than 0, not 0",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_koderz_yaml(name: str, tmp_path: Path) -> None:
    """File, line, key, and the nearest valid name, in one line."""
    text, expected = MISTAKES[name]
    (tmp_path / "koderz.yaml").write_text(text)
    with pytest.raises(UsageError) as caught:
        load_settings(None, tmp_path, {}, Choice())
    message = str(caught.value).removeprefix(f"{tmp_path}/")
    assert expected in message
    assert "\n" not in message


def test_all_mistakes_of_shape_are_told_at_once(tmp_path: Path) -> None:
    """By line; a place says once what it lacks, and of a misspelt key nothing else."""
    (tmp_path / "koderz.yaml").write_text(
        "profiles:\n  mine: {arm: [koderz], models: {}, epochs: 0}\narms:\n  solo: {max_iterations: 0}\n"
        "prices:\n  x: {input: 1, output: 1}\n  y: {input: cheap}\n  z: fre\n"
    )
    assert _told(tmp_path) == [
        "2: profiles.mine.epochs: input should be greater than or equal to 1, not 0",
        "2: profiles.mine.arm: no such key (did you mean 'arms'?)",
        "4: arms.solo: local is missing",
        "4: arms.solo.max_iterations: input should be greater than or equal to 1, not 0",
        "6: prices.x: as_of and source are missing",
        "7: prices.y.input: input should be a valid decimal, not 'cheap'",
        "7: prices.y: output, as_of and source are missing",
        "8: prices.z: must be `free` or a mapping with input, output, as_of and source, not 'fre'",
    ]


def test_all_names_that_are_none_are_told_at_once(tmp_path: Path) -> None:
    """Of arms, models, back ends and options."""
    (tmp_path / "koderz.yaml").write_text(
        "profiles:\n  mine: {arms: [kodrez], models: {local: qwen-codr}}\n"
        "models:\n  a: {backend: olama, model: x}\n  b: {backend: simulated, model: x, options: {strenth: 1}}\n"
    )
    assert _told(tmp_path) == [
        "2: profiles.mine.arms: no arm named 'kodrez' (did you mean 'koderz'?)",
        "2: profiles.mine.models.local: no model named 'qwen-codr' (did you mean 'qwen-coder'?)",
        "4: models.a.backend: no back end named 'olama' (did you mean 'ollama'?)",
        "5: models.b.options.strenth: the back end 'simulated' has no such option (did you mean 'strength'?)",
    ]


def test_of_very_many_mistakes_the_first_are_told(tmp_path: Path) -> None:
    """And how many more there are."""
    (tmp_path / "koderz.yaml").write_text("".join(f"wrong{number}: 1\n" for number in range(MOST + 7)))
    told = _told(tmp_path)
    assert len(told) == MOST + 1
    assert told[-1] == "and 7 more"


def _told(folder: Path) -> list[str]:
    with pytest.raises(UsageError) as caught:
        load_settings(None, folder, {}, Choice())
    return [line.removeprefix(f"{folder}/koderz.yaml:") for line in str(caught.value).splitlines()]


@dataclass(frozen=True)
class Mistake:
    """What a user did, and what he is told."""

    arguments: str
    message: str
    """After `ERROR: `, as a pattern; {folder} is where it happens."""
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


SIMULATED = "--koderz --koderz-profile simulated"
MINE = """
profile: mine
profiles:
  mine: {arms: [frontier-only], models: {frontier: m}}
models:
  m: {MODEL}
prices: {x: free}
cortex: {enabled: false}
"""
HEAD = (
    '{"v":2,"event":"benchmark","at":"2026-11-22T20:00:00+00:00","profile":"simulated","arms":["frontier-only"],'
    '"problems":"0","epochs":1}\n'
)


def of_model(model: str, message: str, files: dict[str, str] | None = None, **environment: str) -> Mistake:
    """A mistake in the only model of a koderz.yaml."""
    settings = {"koderz.yaml": MINE.replace("MODEL", model)}
    return Mistake("--koderz", f"model 'm' of profile 'mine': {message}", settings | (files or {}), environment)


def of_option(model: str, message: str) -> Mistake:
    """The same where the file itself is at fault."""
    return Mistake("--koderz", f"{{folder}}/koderz.yaml:6: {message}", {"koderz.yaml": MINE.replace("MODEL", model)})


def of_journal(content: str | bytes, message: str, arguments: str = "--koderz --koderz-resume") -> Mistake:
    return Mistake(arguments, message, {".koderz/bench_1a2b3c4d/main.jsonl": content})


JOURNAL = "{folder}/.koderz/bench_1a2b3c4d/main.jsonl"

ON_THE_COMMAND_LINE = {
    "no such profile": Mistake(
        "--koderz --koderz-profile simulatd",
        "--koderz-profile: no profile named 'simulatd' (did you mean 'simulated'?)",
    ),
    "no such arm": Mistake(
        "--koderz --koderz-arm kodrez", "--koderz-arm: no arm named 'kodrez' (did you mean 'koderz'?)"
    ),
    "an option without --koderz": Mistake("--koderz-resume", "--koderz-resume does nothing without --koderz"),
    "a value without --koderz": Mistake(
        "--koderz-profile=live", "--koderz-profile does nothing without --koderz", {"pytest.ini": "[pytest]\n"}
    ),
    "settings by another name": Mistake(
        "--koderz",
        "{folder}/koderz.yml: is not read under this name; call it koderz.yaml",
        {"koderz.yml": "profil: x\n"},
    ),
    "no such file of settings": Mistake("--koderz --koderz-config nowhere.yaml", "nowhere.yaml: no such file"),
    "a folder for settings": Mistake("--koderz --koderz-config .", ".: cannot be read: Is a directory"),
    "settings in Latin-1": Mistake(
        "--koderz", "{folder}/koderz.yaml:1: not UTF-8 text (byte 0xe9)", {"koderz.yaml": b"profile: caf\xe9\n"}
    ),
    "no epochs": Mistake("--koderz --koderz-epochs 0", "*error: argument --koderz-epochs: 0 is less than 1"),
    "epochs without end": Mistake(
        f"{SIMULATED} --koderz-epochs 1000000000", "--koderz-epochs: 1000000000 is more than 10000"
    ),
    "epochs without end in koderz.yaml": Mistake(
        "--koderz",
        "{folder}/koderz.yaml:1: profiles.mine.epochs: input should be less than or equal to 10000, not 1000000000",
        {"koderz.yaml": "profiles: {mine: {arms: [local-only], models: {}, epochs: 1000000000}}\n"},
    ),
    "candidates without end": Mistake(
        "--koderz",
        "{folder}/koderz.yaml:1: arms.mine.candidates: input should be less than or equal to 1000, not 1000000",
        {"koderz.yaml": "arms: {mine: {local: simulated-local, candidates: 1000000}}\n"},
    ),
    "more memory than there can be": Mistake(
        "--koderz",
        "{folder}/koderz.yaml:1: sandbox.memory_mb: input should be less than or equal to 1048576, not 99999999999999",
        {"koderz.yaml": "sandbox: {memory_mb: 99999999999999}\n"},
    ),
    "a null byte": Mistake(
        "--koderz", "{folder}/koderz.yaml:2: holds a null byte", {"koderz.yaml": 'margin: 0.1\nfolder: "a\\0b"\n'}
    ),
    "epochs in words": Mistake(
        "--koderz --koderz-epochs two", "*error: argument --koderz-epochs: 'two' is not a whole number such as 3"
    ),
    "problems backwards": Mistake(
        f"{SIMULATED} --koderz-problems 9-0",
        "--koderz-problems: '9-0': the range ends before it starts; 0-9 would be right",
    ),
    "no problems": Mistake(
        f"{SIMULATED} --koderz-problems=",
        "--koderz-problems: '': a part is empty; a selection such as `0-163` would be right",
    ),
    "problems after the last": Mistake(
        f"{SIMULATED} --koderz-problems 0-900",
        "--koderz-problems: '0-900': the last problem is 163; 0-163 would be right",
    ),
    "a profile's problem too many": Mistake(
        "--koderz",
        "{folder}/koderz.yaml:4: profiles.mine.problems: '900': no such problem*",
        {
            "koderz.yaml": (
                "profile: mine\nprofiles:\n  mine: {arms: [local-only], models: {local: simulated-local},\n"
                "         problems: 900}\n"
            )
        },
    ),
    "a problem too many": Mistake(f"{SIMULATED} --koderz-problems 999", "--koderz-problems: '999': no such problem*"),
    "a misspelt problem": Mistake(
        f"{SIMULATED} --koderz-problems HumanEvil/0",
        "--koderz-problems: 'HumanEvil/0': no such problem (did you mean 'HumanEval/0'?)*",
    ),
    "results into a folder": Mistake(f"{SIMULATED} --koderz-json .", "--koderz-json: {folder}: Is a directory"),
    "results below a file": Mistake(
        f"{SIMULATED} --koderz-json x/r.json", "--koderz-json: {folder}/x/r.json: *", {"x": "a file"}
    ),
    "a file for the folder of journals": Mistake(
        SIMULATED, "{folder}/.koderz/bench_*: nothing can be recorded there (Not a directory)", {".koderz": "a file"}
    ),
    "more than all": Mistake(
        f"{SIMULATED} --koderz-min-solved 1.5",
        "*error: argument --koderz-min-solved: '1.5' is not a number from 0 to 1",
    ),
    "a share in words": Mistake(
        f"{SIMULATED} --koderz-min-solved most",
        "*error: argument --koderz-min-solved: 'most' is not a number from 0 to 1",
    ),
    "a cost below nothing": Mistake(
        f"{SIMULATED} --koderz-max-cost-per-solved=-3",
        "*error: argument --koderz-max-cost-per-solved: '-3' is not a number from 0",
    ),
    "worse than nothing": Mistake(
        f"{SIMULATED} --koderz-max-worse 0.1",
        "--koderz-max-worse and --koderz-baseline go together: how much worse, than what",
    ),
    "no such baseline": Mistake(
        f"{SIMULATED} --koderz-max-worse 0.1 --koderz-baseline b.json",
        "--koderz-baseline: b.json: no such file",
    ),
    "a baseline that is none": Mistake(
        f"{SIMULATED} --koderz-max-worse 0.1 --koderz-baseline b.json",
        "--koderz-baseline: b.json is not a file that --koderz-json wrote",
        {"b.json": "hello"},
    ),
    "an id that is none": Mistake("--koderz-analyze xyz", "--koderz-analyze: 'xyz' is no id such as exp_1a2b3c4d*"),
    "an unknown experiment": Mistake(
        "--koderz-analyze exp_12345678",
        "--koderz-analyze: exp_12345678 is not in the journals in {folder}/.koderz (--koderz-results lists*",
    ),
    "an unknown benchmark": of_journal(
        HEAD,
        "--koderz-resume: no benchmark named 'bench_1a2b3c4e' in {folder}/.koderz (did you mean 'bench_1a2b3c4d'?)",
        "--koderz --koderz-resume bench_1a2b3c4e",
    ),
    "an empty journal": of_journal(
        "",
        "--koderz-resume: nothing is recorded of bench_1a2b3c4d; run it anew without --koderz-resume",
        "--koderz --koderz-resume bench_1a2b3c4d",
    ),
    "a journal whose first line is torn": of_journal(
        HEAD[:40],
        "--koderz-resume: nothing is recorded of bench_1a2b3c4d; run it anew without --koderz-resume",
        "--koderz --koderz-resume bench_1a2b3c4d",
    ),
    "a journal with a broken head": of_journal(
        HEAD[:40] + "\n" + HEAD, f"{JOURNAL}:1: is no line of a journal; remove it to go on without what it held"
    ),
    "a journal with garbage in it": of_journal(
        HEAD.encode() + b"\x00\xff\n" + HEAD.encode(),
        f"{JOURNAL}:2: is no line of a journal; remove it to go on without what it held",
    ),
    "a journal of a newer version": of_journal(
        HEAD.replace('"v":2', '"v":99'),
        f"{JOURNAL}:1: was written by a newer version of pytest-koderz (format 99, this one reads up to 3)",
    ),
    "a journal with an odd head": of_journal(
        HEAD.replace('["frontier-only"]', "7"),
        f"{JOURNAL}:1: arms: must be a list, not 7; remove it to go on without what it held",
    ),
    "a journal of a profile that is gone": of_journal(
        HEAD.replace("simulated", "simulatd"),
        "--koderz-profile: no profile named 'simulatd' (did you mean 'simulated'?)",
    ),
    "no key": Mistake(
        "--koderz --koderz-profile live",
        "model 'claude-opus' of profile 'live': ANTHROPIC_API_KEY is not set; the model 'claude-opus' needs it*",
    ),
    "half a key": of_model(
        "backend: anthropic, model: x",
        "ANTHROPIC_API_KEY holds a space, a line break or a character outside ASCII: copy the key again",
        ANTHROPIC_API_KEY="sk a",
    ),
    "no key for OpenAI": of_model(
        "backend: openai, model: x", "OPENAI_API_KEY is not set; the model 'm' needs it for https://api.openai.com*"
    ),
    "a host that is none": of_model(
        "backend: ollama, model: x",
        "OLLAMA_HOST: 'gpu:eleven' is no host; write it as host:port or http://host:port",
        OLLAMA_HOST="gpu:eleven",
    ),
    "a host of another kind": of_model(
        'backend: ollama, model: x, hosts: ["ftp://gpu"]', "hosts: ftp://gpu: the scheme of a server is http or https"
    ),
    "an unknown option": of_option(
        "backend: ollama, model: x, options: {retrys: 3}",
        "models.m.options.retrys: the back end 'ollama' has no such option (did you mean 'retries'?)",
    ),
    "an option of another kind": of_option(
        "backend: ollama, model: x, options: {retries: many}",
        "models.m.options.retries: expected a whole number, found 'many'",
    ),
    "an option out of range": of_option(
        "backend: simulated, model: x, options: {strength: 7}", "models.m.options.strength: 7.0 is more than 1"
    ),
    "no journal to play back": of_model(
        "backend: replay, model: nowhere, priced_as: x", "{folder}/nowhere: no journal is there to play back"
    ),
    "nothing to play back": of_model(
        "backend: replay, model: r.jsonl, priced_as: x", "{folder}/r.jsonl: no call is recorded there", {"r.jsonl": ""}
    ),
    "another file to play back": of_model(
        "backend: replay, model: r.jsonl, priced_as: x",
        "{folder}/r.jsonl:1: is no line of a journal; remove it to go on without what it held",
        {"r.jsonl": "hello\nworld\n"},
    ),
    "no weights": of_model(
        "backend: embedded, model: no.gguf", "no.gguf: no such model; name `smollm2` or a .gguf file (No such file*"
    ),
    "another file for weights": of_model(
        "backend: embedded, model: no.gguf", "no.gguf: is not a .gguf file", {"no.gguf": "hello"}
    ),
    "an unknown back end": Mistake(
        "--koderz",
        "{folder}/koderz.yaml:6: models.m.backend: no back end named 'olama' (did you mean 'ollama'?)",
        {"koderz.yaml": MINE.replace("MODEL", "backend: olama, model: x, priced_as: x")},
    ),
    "no memory server": Mistake(
        SIMULATED, "CORTEX_PATH: no such file: /nowhere/index.js*", environment={"CORTEX_PATH": "/nowhere/index.js"}
    ),
}


@pytest.mark.parametrize("name", ON_THE_COMMAND_LINE)
def test_a_mistake_on_the_command_line(
    name: str, run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pytest's usage error: exit status 4, one line, no traceback of ours, nothing run, nothing left behind."""
    mistake = ON_THE_COMMAND_LINE[name]
    for path, content in mistake.files.items():
        (pytester.path / path).parent.mkdir(parents=True, exist_ok=True)
        (pytester.path / path).write_bytes(content.encode() if isinstance(content, str) else content)
    for variable, value in mistake.environment.items():
        monkeypatch.setenv(variable, value)
    before = sorted(pytester.path.rglob("*"))
    result = run("-p", "no:cacheprovider", *mistake.arguments.split())
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    message = glob.escape(mistake.message.replace("{folder}", str(pytester.path))).replace("[*]", "*")
    told = [line for line in result.errlines + result.outlines if "rror: " in line.lower()]
    errors = [line for line in told if not line.startswith("ERROR: usage: ")]
    assert len(errors) == 1
    assert fnmatch(errors[0].removeprefix("ERROR: "), message)
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    assert "SOLVED" not in result.stdout.str()
    assert [path for path in sorted(pytester.path.rglob("*")) if path not in before and path.name != ".koderz"] == []


def test_a_broken_suite_is_named(run: Run, pytester: pytest.Pytester) -> None:
    """File, line and key; the other suites are not run by accident."""
    (pytester.path / "problems").mkdir()
    (pytester.path / "problems" / "own.yaml").write_text("problems:\n  - id: own/x\n    entrypoint: x\n")
    result = run("--koderz", "--koderz-profile", "simulated")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*own.yaml:*entrypoint*"])
    assert "Traceback" not in result.stdout.str()


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["--koderz-list", "--koderz-quote"])
@pytest.mark.parametrize("more", [(), ("-n", "2"), ("--continue-on-collection-errors",)])
def test_a_verb_names_a_broken_suite_alone(
    verb: str, more: tuple[str, ...], run: Run, pytester: pytest.Pytester
) -> None:
    """Nothing is listed or priced in part, and pytest is not led to look for a Ctrl-C that there was not."""
    (pytester.path / "problems").mkdir()
    (pytester.path / "problems" / "z.yaml").write_text("problems: [\n")
    result = run("--koderz", "--koderz-profile", "simulated", verb, *more)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["*z.yaml:2: not valid YAML: *", "ERROR problems/z.yaml", "*= 1 error in *"])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


def test_a_plugins_back_end_has_a_name_of_its_own(run: Run, pytester: pytest.Pytester) -> None:
    """Where one offers back ends a misspelt name shows last, beside the price that it would have had, or when asked."""
    (pytester.path / "conftest.py").write_text("def pytest_koderz_open_model(model):\n    return None\n")
    (pytester.path / "koderz.yaml").write_text(MINE.replace("MODEL", "backend: olama, model: y"))
    near = "must be a plugin's, ours has another name (did you mean 'ollama'?)"
    run("--koderz").stderr.fnmatch_lines([f"ERROR: */koderz.yaml:6: models.m: no price is known*{glob.escape(near)}"])
    (pytester.path / "koderz.yaml").write_text(MINE.replace("MODEL", "backend: olama, model: x"))
    result = run("--koderz", "-k", "HumanEval/1[")
    result.stdout.fnmatch_lines(["*koderz.yaml: models.m.backend: no back end named 'olama' (did you mean 'ollama'?)*"])
    result.assert_outcomes(errors=1, deselected=163)


def test_the_environment_is_above_the_env_file(tmp_path: Path) -> None:
    """And both are secrets: a representation of the settings does not show them."""
    (tmp_path / "koderz.yaml").write_text("profile: embedded\n")
    (tmp_path / ".env").write_text("ANTHROPIC_API_KEY=sk-file\nOLLAMA_HOST=http://file\n")
    settings = load_settings(None, tmp_path, {"ANTHROPIC_API_KEY": "sk-environment"}, Choice())
    assert settings.environment["ANTHROPIC_API_KEY"] == "sk-environment"
    assert settings.environment["OLLAMA_HOST"] == "http://file"
    assert "sk-" not in repr(settings)


def test_three_lines_define_an_arm(tmp_path: Path) -> None:
    """What a user's file does not say comes from the shipped one."""
    (tmp_path / "koderz.yaml").write_text("arms:\n  haiku-alone: {local: claude-haiku, max_iterations: 1}\n")
    settings = load_settings(None, tmp_path, {}, Choice(arms=("haiku-alone",)))
    (arm,) = settings.arms
    assert arm.local.model == "claude-haiku-5-5"
    assert arm.local.price is not None
    assert arm.local.price.input > 0


def test_an_unknown_price_can_be_allowed(tmp_path: Path) -> None:
    """It stays unknown; it does not become 0."""
    (tmp_path / "koderz.yaml").write_text(
        "allow_unknown_price: true\nmodels:\n  new: {backend: anthropic, model: claude-zeta-99}\n"
        "arms:\n  alone: {local: new}\n"
    )
    settings = load_settings(None, tmp_path, {}, Choice(arms=("alone",)))
    assert settings.arms[0].local.price is None


@pytest.mark.parametrize("model", ["claude-opus-4-5", "claude-sonnet-4-5"])
def test_older_model_names_are_accepted(tmp_path: Path, model: str) -> None:
    """Any name that the price list knows can stand in koderz.yaml."""
    (tmp_path / "koderz.yaml").write_text(
        f"models:\n  old: {{backend: anthropic, model: {model}}}\narms:\n  alone: {{local: old}}\n"
    )
    settings = load_settings(None, tmp_path, {}, Choice(arms=("alone",)))
    assert settings.arms[0].local.price is not None


NOT_PERMITTED = {
    "a run": ("session.features.check_root", ("--koderz",)),
    "a verb": ("commands.analyze.folders_in", ("--koderz-results",)),
    "a harvest": ("commands.harvest._places", ("--koderz-harvest=.",)),
}


@pytest.mark.parametrize(("where", "options"), NOT_PERMITTED.values(), ids=NOT_PERMITTED)
def test_a_path_that_may_not_be_looked_at_is_named(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, where: str, options: tuple[str, ...]
) -> None:
    """As in another user's folder, wherever it is needed."""

    def closed(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/closed/place")

    monkeypatch.setattr(f"pytest_koderz.{where}", closed)
    result = pytester.inline_run(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
