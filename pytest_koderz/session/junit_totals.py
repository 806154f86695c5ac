"""Totals of a benchmark in the file of --junitxml."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest
from _pytest.junitxml import LogXML, xml_key

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.reporters.junit import properties_of, suite_properties

from .context import BenchmarkRun
from .head import head_of
from .items import experiment_of


def register(run: BenchmarkRun) -> None:
    if run.config.getoption("xmlpath", default=None) and not run.is_worker:
        run.register(SuiteTotals(run), "junit-totals")


class SuiteTotals:
    """Properties of the whole suite; pytest has no public door for them outside of a test."""

    def __init__(self, run: BenchmarkRun) -> None:
        self._run = run

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Before the case is closed. Jenkins' own schema has no properties in a case, but an output."""
        xml, experiment = self._run.config.stash.get(xml_key, None), experiment_of(report)
        wanted = self._run.config.getoption("koderz_junit_properties") == "output"
        if wanted and xml is not None and experiment is not None:
            add_output(xml, report, experiment)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Before the file is written."""
        xml = self._run.config.stash.get(xml_key, None)
        if xml is not None:
            head = head_of(self._run.settings, self._run.id)
            for name, value in suite_properties(head, self._run.experiments.in_order()):
                xml.add_global_property(name, value)


def add_output(xml: LogXML, report: pytest.TestReport, experiment: Experiment) -> None:
    """Give the report's case, which is not closed yet, the experiment's properties as lines of its output."""
    output = Element("system-out")
    output.text = "".join(f"{name}: {value}\n" for name, value in properties_of(experiment))
    xml.node_reporter(report).append(output)
