"""What can be proved about a RASP program.

Engines that decide a property over every input in a stated scope, the verdicts they may give, lower and upper
bounds on layers and heads with their certificates, and the ways to ask: the command line, reports and Python.
Engines stand on `spec` and never on each other, so that two of them can be compared as independent witnesses.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from verifier.api import Answer, Answers, CounterexampleError, Program, find, load, loads, prove, verify

__all__ = ["Answer", "Answers", "CounterexampleError", "Program", "find", "load", "loads", "prove", "verify"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """The Python interface, imported when first asked for: the command line starts faster without it."""
    if name in __all__:
        from verifier import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
