"""`--koderz-jobs auto`: how many experiments are in flight, and why."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_koderz.session.auto_jobs import ELSEWHERE, ChosenJobs, chosen_jobs, with_jobs
from pytest_koderz.settings import Choice, Settings, load_settings
from pytest_koderz.testing import OllamaServer, OpenAIServer, Request
from pytest_koderz.testing.script import HttpStatus
from pytest_koderz.testing.server import Body, json_body
from tests.conftest import Run

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LlamaServer(OpenAIServer):
    """Says how many slots it has, as llama-server does in its README: GET /props."""

    def plain(self, request: Request) -> Body | HttpStatus:
        return json_body({"total_slots": 3}) if request.path == "/props" else super().plain(request)


def settings_of(
    folder: Path, models: str, arms: str = "{alone: {local: local}}", slots: str = "local: coder"
) -> Settings:
    names = ", ".join(name.partition(":")[0] for name in arms.strip("{}").split("}, "))
    profile = f"{{arms: [{names}], models: {{{slots}}}, jobs: auto}}"
    text = f"profile: x\nprofiles: {{x: {profile}}}\narms: {arms}\nmodels: {models}\nprices: {{m: free}}\n"
    (folder / "koderz.yaml").write_text(text)
    return load_settings(None, folder, {}, Choice())


def test_two_for_each_slot_that_the_servers_have(tmp_path: Path) -> None:
    """As llama.cpp says, or as it is set; who says nothing counts as one; a server of two models counts once."""
    with LlamaServer() as one, OllamaServer() as other:
        asked = f"{{coder: {{backend: openai, model: m, hosts: ['{one.url}', '{one.url}/v1']}}}}"
        assert chosen_jobs(settings_of(tmp_path, asked)) == ChosenJobs(6, "2 for each of the 3 slots of 1 server")
        both = f"{{coder: {{backend: ollama, model: m, hosts: ['{one.url}', '{other.url}']}}}}"
        chosen = chosen_jobs(settings_of(tmp_path, both))
        assert chosen.number == 4
        assert chosen.why.startswith("2 for each of the 2 slots of 2 servers; 2 of them do not say how many they have")
        said = both.replace("model: m", "model: m, slots: 8")
        assert chosen_jobs(settings_of(tmp_path, said)).number == 32
        assert chosen_jobs(settings_of(tmp_path, both.replace("m,", "m, options: {max_in_flight: 5},"))).number == 20
        kinds = {"coder": "openai", "two": "ollama"}
        each = (f"{name}: {{backend: {kind}, model: m, hosts: ['{one.url}']}}" for name, kind in kinds.items())
        swarm = f"{{{', '.join(each)}}}"
        assert chosen_jobs(settings_of(tmp_path, swarm, "{alone: {local: [local, two]}}")).number == 6


def test_what_runs_here_has_the_cores_and_a_service_what_may_be_asked_of_it(tmp_path: Path) -> None:
    """Where several kinds take part the largest number counts."""
    here = "{coder: {backend: simulated, model: m}}"
    assert chosen_jobs(settings_of(tmp_path, here)).number == CORES
    service = "{coder: {backend: openai, model: m}}"
    assert chosen_jobs(settings_of(tmp_path, service)).number == ELSEWHERE
    models = "{coder: {backend: simulated, model: m}, big: {backend: openai, model: m, options: {max_in_flight: 99}}}"
    both = chosen_jobs(settings_of(tmp_path, models, "{alone: {local: local}, big: {local: big}}"))
    assert both == ChosenJobs(99, "what 1 service elsewhere may be asked at once (`max_in_flight`)")


@pytest.mark.parametrize(("workers", "each"), [(0, 6), (1, 6), (4, 2), (20, 1)])
def test_workers_share_them(workers: int, each: int) -> None:
    assert ChosenJobs(6, "so").over(workers).number == each


def test_a_number_is_taken_as_it_is(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "{coder: {backend: simulated, model: m}}")
    assert (settings.jobs, settings.chooses_jobs) == (1, True)
    fixed = load_settings(None, tmp_path, {}, Choice(jobs=7))
    assert with_jobs(fixed, 0) is fixed
    assert fixed.jobs == 7


def test_the_header_says_what_was_chosen(forgetful: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who only collects asks nobody."""
    arguments = ("--koderz-jobs", "auto", "--koderz-problems", "0", "--koderz-arm", "local-only", "--tb=no")
    result = forgetful(*arguments)
    cores = "1 core" if CORES == 1 else f"{CORES} cores"
    result.stdout.fnmatch_lines([f"koderz: SIMULATED jobs: {CORES} ({cores} for models that run in this process)"])
    forgetful(*arguments, "--collect-only").stdout.no_fnmatch_line("*jobs:*")
