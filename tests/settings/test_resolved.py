"""From koderz.yaml to arms."""

from __future__ import annotations

from dataclasses import MISSING, fields

from pytest_koderz.core.arm import Arm, ModelSettings, Role
from pytest_koderz.settings.schema import ArmEntry, ModelEntry, ProfileEntry


def test_each_key_of_an_arm_is_one_of_arm_itself() -> None:
    """A new one needs a line in both and none between; where neither arm nor profile gives it, `Arm` decides."""
    known = {item.name: item.default for item in fields(Arm)}
    shared = {item.name for item in fields(ProfileEntry)}
    for item in fields(ArmEntry):
        assert item.name in known
        if item.name not in {*Role, *shared}:
            assert item.default in (None, known[item.name]), f"{item.name} has two defaults"


def test_each_key_of_a_model_is_one_of_its_settings() -> None:
    """But for the name of its price; the defaults are the same."""
    known = {item.name: item.default for item in fields(ModelSettings)}
    for item in fields(ModelEntry):
        if item.name != "priced_as":
            assert known[item.name] == item.default or MISSING in (known[item.name], item.default)
