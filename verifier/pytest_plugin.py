"""The pytest plugin: `.rasp` and `.prop` files are collected, one item for each property.

It does nothing unless it is asked to: by `--rasp`, by `rasp = true` among the pytest settings, or by naming such a file
on the command line. The settings are those of `[tool.rasp]`. The properties of one file are decided together, in
processes that can be killed; what is not decided fails, unless `--rasp-unknown=xfail` says otherwise. Counterexamples
that `rasp check --save-tests` has written run first.

Everything else is imported only when there is something to collect: this module is loaded by every run of pytest.
"""

import argparse
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from spec.property.bound import BoundProperty
    from verifier.report.result import Result
    from verifier.running.config import Settings


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, and the setting that turns the plugin on."""
    group = parser.getgroup("rasp", "RASP programs")
    group.addoption("--rasp", action="store_true", default=None, help="collect .rasp and .prop files")
    group.addoption("--rasp-profile", metavar="NAME", help="settings of [tool.rasp.profile.NAME]")
    group.addoption("--rasp-max-length", metavar="N", type=_positive, help="leave longer inputs out")
    group.addoption(
        "--rasp-unknown",
        choices=("fail", "xfail"),
        default="fail",
        help="what a property that is not decided is: a failure (the default), or an expected one",
    )
    parser.addini("rasp", "collect .rasp and .prop files", type="bool", default=False)


def _positive(given: str) -> int:
    number = int(given)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{given} is not a positive number")
    return number


def _active(config: pytest.Config) -> bool:
    return bool(config.getoption("--rasp") or config.getini("rasp"))


def pytest_report_header(config: pytest.Config) -> str | None:
    """What decides, and in which version."""
    if not _active(config):
        return None
    from verifier.report.document import this_tool

    tool = this_tool()
    return f"rasp: {tool.version}; " + ", ".join(f"{name} {version}" for name, version in tool.solvers if version)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "RaspFile | None":
    """A collector for a program or a property file."""
    if file_path.suffix not in (".rasp", ".prop"):
        return None
    if not _active(parent.config) and not parent.session.isinitpath(file_path):
        return None
    collector: RaspFile = RaspFile.from_parent(parent, path=file_path)
    return collector


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Saved counterexamples first: they are the quickest way to learn that a program is still wrong."""
    if _active(config):
        from verifier.report.regression import MARK

        saved = {path: _begins_with(path, MARK) for path in {item.path for item in items}}
        items.sort(key=lambda item: not saved[item.path])


def _begins_with(path: Path, line: str) -> bool:
    try:
        with path.open(encoding="utf-8") as file:
            return file.readline() == line
    except (OSError, UnicodeDecodeError):
        return False


class Unexpected(Exception):
    """A verdict that is not the expected one; carries what `rasp check` prints."""


class RaspFile(pytest.File):
    """The properties that are written in one file."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.program = os.path.relpath(self.path.with_suffix(".rasp"))
        self._results: dict[str, Result] = {}

    def collect(self) -> "Iterable[RaspItem]":
        """An item for each property; an error in the program or in a contract is an error of the collection."""
        from spec.diagnostics import RaspError
        from verifier.running.jobs import Job

        try:
            settings = self._settings()
            selected = Job(self.program, overrides=settings.overrides).select()
        except RaspError as error:
            raise self.CollectError(error.render()) from error
        for bound in selected:
            if Path(bound.property.span.source.name).suffix == self.path.suffix:
                item: RaspItem = RaspItem.from_parent(self, name=bound.property.name, bound=bound)
                yield item

    def result(self, item: "RaspItem") -> "Result":
        """The result of an item; those of the file that will be asked for are decided with it."""
        if item.name not in self._results:
            from verifier.cli.check import options_of
            from verifier.running.jobs import Job
            from verifier.running.supervise import Planned, run

            settings = self._settings()
            job = Job(self.program, overrides=settings.overrides, options=options_of(settings))
            wanted = tuple(one.bound for one in self._pending(item))
            for result in run([Planned(job, wanted)], 1, settings.allowance, lambda _: None):
                self._results[result.name] = result
        return self._results[item.name]

    def _pending(self, item: "RaspItem") -> "Iterator[RaspItem]":
        # Where tests are spread over processes, another one may be asked for the rest of the file.
        if hasattr(self.config, "workerinput"):
            yield item
            return
        for other in self.session.items:
            if isinstance(other, RaspItem) and other.parent is self and other.name not in self._results:
                yield other

    def _settings(self) -> "Settings":
        from verifier.running.config import Value, resolve

        given: dict[str, Value] = {"max_length": self.config.getoption("--rasp-max-length")}
        profile = self.config.getoption("--rasp-profile")
        return resolve(given, profile=profile, start=self.config.rootpath).settings


class RaspItem(pytest.Item):
    """One property."""

    def __init__(self, *, bound: "BoundProperty", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.bound = bound

    def runtest(self) -> None:
        """Pass when the verdict is the expected one."""
        from verifier.report import text
        from verifier.report.junit import evidence
        from verifier.verdict import Unknown, as_expected

        assert isinstance(self.parent, RaspFile)
        result = self.parent.result(self)
        self.user_properties += [
            ("rasp.property", result.text),
            ("rasp.verdict", text.headline(result)),
            ("rasp.scope", str(result.scope)),
            ("rasp.evidence", evidence(result)),
        ]
        if as_expected(result.verdict, result.expected):
            return
        shown = "\n".join([text.line(result), *(f"    {line}" for line in text.details(result))])
        if isinstance(result.verdict, Unknown) and self.config.getoption("--rasp-unknown") == "xfail":
            pytest.xfail(shown)
        raise Unexpected(shown)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The counterexample as a table, not a traceback through this plugin."""
        if isinstance(excinfo.value, Unexpected):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the property is written."""
        return self.path, self.bound.property.span.line - 1, self.name
