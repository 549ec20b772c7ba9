"""Run the command line many times without importing it each time: a process that forks for every request.

One request a line on standard input, as JSON: `argv`, `folder`, `stdin` (a file or null). One answer a line:
`code` (negative for a signal), `cpu` (seconds of the process and of its children), `mib` (the largest resident set of
any of them), and the texts `out` and `err`. Each child has a CPU limit and an alarm, so that nothing can hang.
"""

import gc
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CPU_S = 20
ALARM_S = 180


@dataclass(frozen=True)
class Done:
    """How one command ended."""

    code: int
    cpu: float
    mib: float
    out: str
    err: str


class Commands:
    """The client's side: starts the server, asks it, ends it."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.command_server"],
            cwd=Path(__file__).resolve().parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, argv: Sequence[str], folder: Path, stdin: Path | None = None) -> Done:
        """`rasp ARGV` in the folder."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        request = {"argv": list(argv), "folder": str(folder), "stdin": None if stdin is None else str(stdin)}
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        return Done(**json.loads(self._server.stdout.readline()))

    def close(self) -> None:
        """End the server."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()


def serve() -> None:
    """Answer requests until there are no more."""
    from spec import grammar
    from spec.property import grammar as clauses
    from verifier.cli import main, parser

    # What commands load and build first, at the same price.
    parser()
    grammar.grammar()
    clauses.grammar()
    gc.freeze()  # or each child would copy all of it when it looks for garbage
    for line in sys.stdin:
        request = json.loads(line)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            child = os.fork()
            if child == 0:
                _prepare(request, out.fileno(), err.fileno())
                sys.exit(main(request["argv"]))
            _, status, used = os.wait4(child, 0)
            answer = {
                "code": os.waitstatus_to_exitcode(status),
                "cpu": used.ru_utime + used.ru_stime,
                "mib": used.ru_maxrss / 1024,
                "out": _text(out),
                "err": _text(err),
            }
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _prepare(request: dict[str, Any], out: int, err: int) -> None:
    source = os.open(request["stdin"] or os.devnull, os.O_RDONLY)
    for number, descriptor in enumerate((source, out, err)):
        os.dup2(descriptor, number)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, mode) for number, mode in enumerate("rww"))
    os.chdir(request["folder"])
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    signal.alarm(ALARM_S)


def _text(file: Any) -> str:
    file.seek(0)
    return str(file.read().decode("utf-8", errors="replace"))


if __name__ == "__main__":
    serve()
