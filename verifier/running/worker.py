"""The child process that does the proving: one request a line on standard input, one event a line on standard output.

    request   `Job.to_json`
    events    {"start": name}       this property is being worked on
              {"closed": {..}}      a length of it is proved: `verifier.report.result.closed_json`
              {"looked": [n, some, all]}    so many of all inputs of the length n were looked at
              {"result": {..}}      `verifier.report.result.to_json`
              {"died": code}        the process of this property ended with this code, minus the number of a signal
              {"alarm": message}    two parts of this tool disagree
              {"done": true}        every property of the request has been answered

The memory that is bounded is the address space. A driver of an accelerator reserves far more addresses than it will
ever use; where one may be asked, only the memory that can be written to is.

Programs are read and properties bound here, once. Each property is then decided in a fork of its own, so that it finds
the solvers, and all the memory, as the first one found them. The parent, `verifier.running.supervise`, kills this
process and its forks when a property takes too long.
"""

import gc
import json
import os
import resource
import sys
import traceback
from typing import Final, TextIO, assert_never

from spec.diagnostics import InternalError
from spec.property.bound import BoundProperty
from verifier.check import Heard
from verifier.engine import Looked
from verifier.report.result import Json, closed_json, to_json
from verifier.running.jobs import Job, work
from verifier.verdict import Closed

OUT_OF_MEMORY: Final = 12
"""The exit code of a process that could not go on for lack of memory."""


MEMORY: Final = {"addresses": resource.RLIMIT_AS, "data": resource.RLIMIT_DATA}
"""What of the memory of a process is bounded."""


def main(arguments: list[str]) -> int:
    """Answer requests until there are no more; the arguments say what of its memory is bounded, and by how many MiB."""
    what, size = arguments
    resource.setrlimit(MEMORY[what], (int(size) << 20, int(size) << 20))
    for line in sys.stdin:
        job = Job.from_json(json.loads(line))
        try:
            properties = job.select()
        except InternalError as alarm:
            _say(sys.stdout, {"alarm": str(alarm)})
            continue
        gc.freeze()  # what is there already need not be copied into each fork
        for bound in properties:
            _say(sys.stdout, {"start": bound.property.name})
            code = _isolated(job, bound)
            if code != 0:
                _say(sys.stdout, {"died": code})
        _say(sys.stdout, {"done": True})
    return 0


def _isolated(job: Job, bound: BoundProperty) -> int:
    """How the process ended that decided the property.

    It writes into a pipe of its own, and what it writes is passed on by whole lines: should this process be killed,
    standard output ends with it, whatever the fork still does.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.dup2(writing, sys.stdout.fileno())
        os.close(writing)
        os._exit(_decide(job, bound))
    os.close(writing)
    with open(reading, encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n"):
                sys.stdout.write(line)
                sys.stdout.flush()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _decide(job: Job, bound: BoundProperty) -> int:
    """Decide the property and say so; the result is the exit code of this process."""
    try:
        result = work(job, bound, _hear)
        _say(sys.stdout, {"result": to_json(result)})
    except InternalError as alarm:
        _say(sys.stdout, {"alarm": str(alarm)})
    except MemoryError:
        return OUT_OF_MEMORY
    except BaseException:  # noqa: BLE001  # this process ends here: not one frame of its parent may run on in it
        traceback.print_exc()
        sys.stderr.flush()
        return 1
    return 0


def _hear(one: Heard) -> None:
    match one:
        case Closed():
            _say(sys.stdout, {"closed": closed_json((one,))[0]})
        case Looked(length=length, inputs=inputs, of=of):
            _say(sys.stdout, {"looked": [length, inputs, of]})
        case _:
            assert_never(one)


def _say(output: TextIO, event: Json) -> None:
    output.write(json.dumps(event) + "\n")
    output.flush()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except MemoryError:
        # Before any property, or between two: the parent knows which one is missing.
        os._exit(OUT_OF_MEMORY)
    except BrokenPipeError:
        # The parent is gone, and with it everybody who would hear of the results.
        os._exit(1)
