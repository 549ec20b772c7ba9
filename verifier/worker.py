"""The child process that does the proving: one request a line on standard input, one event a line on standard output.

    request   `Job.to_json`
    events    {"start": name}       this property is being worked on
              {"result": {..}}      `verifier.result.to_json`
              {"alarm": message}    two parts of this tool disagree
              {"done": true}        every property of the request has been answered

The parent, `verifier.supervise`, kills a child that takes too long and goes on with the rest in a new one, so that
nothing that a solver does can cost more than the property it does it to.
"""

import json
import os
import resource
import sys
from typing import Final

from spec.diagnostics import InternalError
from verifier.jobs import Job, work
from verifier.result import Json, to_json

OUT_OF_MEMORY: Final = 12
"""The exit code of a child that could not go on for lack of memory."""


def main(arguments: list[str]) -> int:
    """Answer requests until there are no more; the argument is the memory that may be used, in MiB."""
    size = int(arguments[0]) << 20
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    for line in sys.stdin:
        job = Job.from_json(json.loads(line))
        try:
            for bound in job.select():
                _say({"start": bound.property.name})
                _say({"result": to_json(work(job, bound))})
        except InternalError as alarm:
            _say({"alarm": str(alarm)})
        _say({"done": True})
    return 0


def _say(event: Json) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except MemoryError:
        # Outside of any property, or while reporting one: the parent knows which one is missing.
        os._exit(OUT_OF_MEMORY)
    except BrokenPipeError:
        # The parent is gone, and with it everybody who would hear of the results.
        os._exit(1)
