"""The command line `rasp`: one module for each family of commands, one door for errors and exit codes."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

import spec
import verifier
import verifier.cli.bounds as bounds
import verifier.cli.check as check
import verifier.cli.compile as compile_
import verifier.cli.explain as explain
import verifier.cli.fuzz as fuzz
import verifier.cli.lint as lint
import verifier.cli.mutate as mutate
import verifier.cli.prove as prove
import verifier.cli.recheck as recheck
import verifier.cli.report as report
import verifier.cli.results as results
import verifier.cli.run as run
import verifier.cli.train as train
from spec.diagnostics import InternalError, RaspError
from spec.source import printable
from verifier.verdict import Exit

_FAMILIES: Final[tuple[Callable[["argparse._SubParsersAction[argparse.ArgumentParser]"], None], ...]] = (
    check.register,
    run.register,
    prove.register,
    bounds.register,
    recheck.register,
    compile_.register,
    train.register,
    explain.register,
    mutate.register,
    fuzz.register,
    lint.register,
    results.register,
    report.register,
)

_EPILOG: Final = """exit codes
  0    everything came out as expected
  1    a property was refuted (or one that was expected to fail is proved)
  2    the request, a file, a program or a property is wrong
  3    a property could not be decided within the limits
  4    a property is vacuous: no input satisfies its preconditions
  5    nothing was selected
  70   two parts of this tool disagree: a bug here, please report it
  130  interrupted
  143  terminated"""


def parser() -> argparse.ArgumentParser:
    """The whole grammar of the command line."""
    top = argparse.ArgumentParser(
        prog="rasp",
        description="Prove what RASP programs compute, and find the shortest input on which they don't.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"rasp {verifier.__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for register in _FAMILIES:
        register(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the result is the process's exit code."""
    if argv is None:
        sys.excepthook = _crash
    options = parser().parse_args(argv)
    handler: Callable[[argparse.Namespace], int] = options.handler
    try:
        _check_packages()
        code = handler(options)
        sys.stdout.flush()
        return code
    except RaspError as error:
        print(error.render(), file=sys.stderr)
        return Exit.USAGE
    except InternalError as error:
        print(f"internal error: {printable(str(error))}\nThis is a bug in rasp, please report it.", file=sys.stderr)
        return Exit.INTERNAL
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of our output went away; there is nobody left to tell, and nothing more to say.
        sys.stderr.close()
        return 141


def _crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What nobody foresaw is an internal error: Python's own exit code, 1, would read as a refutation."""
    sys.__excepthook__(kind, error, trace)
    print("This is a bug in rasp, please report it.", file=sys.stderr, flush=True)
    os._exit(Exit.INTERNAL)


def _check_packages() -> None:
    """Refuse to run with a foreign package named `spec` in the place of ours: the names are common ones."""
    here, other = Path(verifier.__file__).parent.parent, Path(spec.__file__).parent.parent
    if here != other:
        raise InternalError(f"the packages verifier and spec come from different places: {here}, {other}")
