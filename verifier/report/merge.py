"""The parts of a divided run, joined: only all of them together are a run."""

from collections.abc import Sequence
from dataclasses import replace

from verifier.report.document import Document, RunState
from verifier.running.overrides import usage


def merge(parts: Sequence[Document]) -> Document:
    """The run that was divided; raises `UsageError` when a part is missing, doubled, unfinished or of another run."""
    shards = [part.shard for part in parts]
    first = parts[0]
    if any(shard is None for shard in shards):
        raise usage("only results of `rasp check --shard` can be merged")
    found = sorted((shard.index, shard.count) for shard in shards if shard is not None)
    count = found[0][1]
    if found != [(index, count) for index in range(1, count + 1)]:
        have = ", ".join(f"{index}/{of}" for index, of in found)
        raise usage(f"a run of {count} parts was expected, each once; there are {have}")
    for part in parts:
        if part.stopped is not None or part.state is RunState.INCOMPLETE:
            raise usage(f"part {part.shard} did not come to its end")
        if part.tool != first.tool:
            raise usage(f"part {part.shard} was made by other versions than part {first.shard}")
        if (part.requested, part.ignored, part.strict) != (first.requested, first.ignored, first.strict):
            raise usage(f"part {part.shard} is of another request than part {first.shard}")
    results = tuple(result for part in parts for result in part.results)
    if len({result.id for result in results}) != len(results):
        raise usage("a property is in two parts")
    # Every part plans the whole run, so it meets every problem.
    problems = tuple(dict.fromkeys(problem for part in parts for problem in part.problems))
    seconds = sum(part.seconds for part in parts)
    return replace(first, state=RunState.COMPLETE, results=results, problems=problems, shard=None, seconds=seconds)
