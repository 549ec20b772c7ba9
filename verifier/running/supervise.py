"""Run jobs in child processes that can be killed: wall clock, memory, crashes, several at a time.

Each thread owns one child at a time and feeds it jobs; the child forks for each property. A property that exceeds its
time is killed with the whole process group; it becomes `Unknown`, what it had proved by then stays proved, and a new
child goes on with the rest of the job.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from time import monotonic

from spec.diagnostics import InternalError
from spec.property.bound import BoundProperty
from verifier.engine import Looked, Reason
from verifier.engines.device import DEVICE, accelerated
from verifier.portfolio import AUTO
from verifier.report.result import Json, Result, from_json, read_closed
from verifier.running.jobs import OUT_OF_MEMORY as MEMORY_IS_GONE
from verifier.running.jobs import Job, describe, unfinished
from verifier.running.worker import OUT_OF_MEMORY
from verifier.verdict import Closed


@dataclass(frozen=True)
class Allowance:
    """What one property may take before its process is killed."""

    wall_s: float = 300.0
    memory_mb: int = 6144


@dataclass(frozen=True)
class Planned:
    """A job whose properties have been selected already, so that a killed one can be reported."""

    job: Job
    properties: tuple[BoundProperty, ...]


def run(
    planned: Sequence[Planned],
    workers: int,
    allowance: Allowance,
    report: Callable[[Result], None],
    looked: Callable[[str, Looked], None] = lambda *_: None,
) -> list[Result]:
    """The results in the order of the plan; `report` hears each as soon as it is there, `looked` what takes long.

    Raises `InternalError` when a child found a disagreement: then no verdict of the run is worth anything.
    """
    supervisor = _Supervisor(allowance, report, looked)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(supervisor.answer, plan) for plan in planned]
        try:
            return [result for future in futures for result in future.result()]
        finally:
            supervisor.stop()
            pool.shutdown(cancel_futures=True)


class _Running:
    """The property that a child is working on: until when it may, and which of its lengths are closed."""

    def __init__(self, bound: BoundProperty, wall_s: float) -> None:
        self.bound, self.deadline = bound, monotonic() + wall_s
        self.closed: list[Closed] = []

    @property
    def seconds_left(self) -> float:
        """How long to wait for the next thing that it says."""
        return max(0.0, self.deadline - monotonic())

    def closes(self, data: dict[str, Json]) -> None:
        """Hear that a length is closed: each once, from the first on."""
        try:
            one = read_closed(data)
        except (KeyError, ValueError, TypeError) as error:
            raise InternalError(f"a worker closed {data!r}") from error
        expected = self.closed[-1].length + 1 if self.closed else self.bound.property.scope.low
        if one.length != expected:
            raise InternalError(f"a worker closed length {one.length}, not {expected}")
        self.closed.append(one)

    def ended(self, job: Job, reason: Reason, detail: str) -> Result:
        """The result where the child did not come to one."""
        return describe(job.path, self.bound, unfinished(self.bound, reason, detail, self.closed))


class _Supervisor:
    """The children that are at work, and how to end them all."""

    def __init__(
        self, allowance: Allowance, report: Callable[[Result], None], looked: Callable[[str, Looked], None]
    ) -> None:
        self.allowance = allowance
        self._report, self._looked = report, looked
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._children: set[subprocess.Popen[str]] = set()

    def stop(self) -> None:
        """Kill every child; no new one is started."""
        self._stopped.set()
        with self._lock:
            for process in self._children:
                _kill(process)

    def answer(self, plan: Planned) -> list[Result]:
        """Every property of one job, with as many children as it takes."""
        results: dict[str, Result] = {}
        if len({bound.property.name for bound in plan.properties}) != len(plan.properties):
            raise InternalError(f"{plan.job.path}: two properties have one name")
        while missing := [bound for bound in plan.properties if bound.property.name not in results]:
            names = tuple(bound.property.name for bound in missing)
            job = replace(plan.job, names=names)
            before = len(results)
            for result in self._child(job, {bound.property.name: bound for bound in missing}):
                if result.name not in names:
                    raise InternalError(f"a worker answered `{result.name}`, which it was not asked")
                results[result.name] = result
                with self._lock:
                    self._report(result)
            if self._stopped.is_set():
                break
            if len(results) == before:
                raise InternalError(f"the process that checked {job.path} answered nothing and says that it is done")
        return [results[bound.property.name] for bound in plan.properties if bound.property.name in results]

    def _child(self, job: Job, properties: dict[str, BoundProperty]) -> Iterator[Result]:
        """The results of one child; the last one is an `Unknown` when the child did not get to its end."""
        running = _Running(next(iter(properties.values())), self.allowance.wall_s)
        with self._process(job) as (process, lines):
            _send(process, job)
            while not self._stopped.is_set():
                try:
                    line = lines.get(timeout=running.seconds_left)
                except Empty:
                    detail = f"killed after {self.allowance.wall_s:.0f} s"
                    yield running.ended(job, Reason.WALL, detail)
                    return
                if line is None:
                    if not self._stopped.is_set():
                        yield running.ended(job, *_died(process.wait(), job))
                    return
                match _event(line):
                    case {"start": str(name)} if name in properties:
                        running = _Running(properties[name], self.allowance.wall_s)
                    case {"closed": dict(data)}:
                        running.closes(data)
                    case {"looked": [int(length), int(inputs), int(of)]}:
                        self._looked(running.bound.property.name, Looked(length, inputs, of))
                    case {"result": dict(data)}:
                        yield from_json(data)
                    case {"died": int(code)}:
                        yield running.ended(job, *_died(code, job))
                    case {"alarm": str(message)}:
                        raise InternalError(message)
                    case {"done": True}:
                        return
                    case _:
                        raise InternalError(f"a worker said {line!r}")

    @contextmanager
    def _process(self, job: Job) -> Iterator[tuple["subprocess.Popen[str]", "SimpleQueue[str | None]"]]:
        """A child in a process group of its own, and the lines that it prints, `None` at their end."""
        process = subprocess.Popen(
            [sys.executable, "-m", "verifier.running.worker", _bounded(job), str(self.allowance.memory_mb)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # forks of a process with threads are fragile
        )
        with self._lock:
            self._children.add(process)
        lines: SimpleQueue[str | None] = SimpleQueue()
        reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
        reader.start()
        try:
            yield process, lines
        finally:
            _kill(process)
            process.wait()
            reader.join()
            assert process.stdout is not None
            process.stdout.close()
            with self._lock:
                self._children.discard(process)


def _bounded(job: Job) -> str:
    """What of the memory of the process is bounded: one that may ask an accelerator needs addresses without end."""
    return "data" if job.options.engine in (AUTO, DEVICE.name) and accelerated() else "addresses"


def _send(process: "subprocess.Popen[str]", job: Job) -> None:
    """Write the one request. A child that is gone already is noticed when its output ends."""
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.write(json.dumps(job.to_json()) + "\n")
        process.stdin.close()


def _read(process: "subprocess.Popen[str]", lines: "SimpleQueue[str | None]") -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put(None)


def _kill(process: "subprocess.Popen[str]") -> None:
    """End the child and whatever it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _event(line: str) -> Json:
    """What a line of a child says; `None` where it is no JSON."""
    try:
        event: Json = json.loads(line)
    except ValueError:
        return None
    return event


def _died(code: int, job: Job) -> tuple[Reason, str]:
    """How a process ended before its work was done. A signal and a lack of memory are nobody's fault."""
    if code == OUT_OF_MEMORY:
        return Reason.MEMORY, MEMORY_IS_GONE
    if code >= 0:
        raise InternalError(f"the process that checked {job.path} ended with code {code}")
    return Reason.KILLED, f"the process was ended by signal {signal.Signals(-code).name}"
