"""The command line `rasp`: one module for each family of commands, one door for errors and exit codes."""

import argparse
import errno
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Final

import spec
import verifier
from spec.diagnostics import InternalError, RaspError
from spec.source import printable
from verifier.verdict import Exit

FAMILIES: Final[Mapping[str, tuple[str, ...]]] = {
    "check": ("check",),
    "run": ("run", "repl"),
    "prove": ("prove", "equiv", "find"),
    "bounds": ("bounds",),
    "recheck": ("recheck",),
    "compile": ("compile", "crosscheck"),
    "train": ("train",),
    "explain": ("explain",),
    "mutate": ("mutate",),
    "fuzz": ("fuzz",),
    "lint": ("lint",),
    "results": ("config", "replay", "diff", "merge"),
    "report": ("report",),
}
"""The modules of this package that register commands, and which; a module is loaded when one of its commands is run."""

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

_CANNOT_WRITE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What is wrong with standard output then is not a bug: there is no room for it, or its device is broken."""


def parser(command: str | None = None) -> argparse.ArgumentParser:
    """The grammar of the command line: of the family of this command alone, if there is one, else of all."""
    top = argparse.ArgumentParser(
        prog="rasp",
        description="Prove what RASP programs compute, and find the shortest input on which they don't.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"rasp {verifier.__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for family in _families(command):
        import_module(f"{__name__}.{family}").register(commands)
    return top


def _families(command: str | None) -> tuple[str, ...]:
    if command == "--version":
        return ()
    return tuple(name for name, commands in FAMILIES.items() if command in commands) or tuple(FAMILIES)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the result is the process's exit code."""
    if argv is None:
        sys.excepthook = _crash
        if isinstance(sys.stdout, io.TextIOWrapper):
            # Where standard output is no UTF-8, as on Windows in a pipe, `≤` must not end the run.
            sys.stdout.reconfigure(errors="backslashreplace")
    words = sys.argv[1:] if argv is None else argv
    options = parser(words[0] if words else None).parse_args(words)
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
    except OSError as error:
        if error.filename is not None or error.errno not in _CANNOT_WRITE:
            raise
        # What the output still holds must not fail once more when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"error[R0602]: cannot write the output: {error.strerror}", file=sys.stderr)
        return Exit.USAGE


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
