"""Evaluation on an explicit stack.

A task is a generator that yields the steps it waits for and returns its value; a step is another task, or a value
that was known at once. The stack is a list here, so the depth of a program never meets Python's recursion limit.
"""

from collections.abc import Generator
from typing import TypeAlias

from spec.script.budget import exceeded
from spec.script.values import Value

Step: TypeAlias = "Task | Value"
Task: TypeAlias = Generator["Step", Value, Value]


def run(step: Step, limit: int) -> Value:
    """The value of a step; at most `limit` tasks are active at once. An error ends them all."""
    stack: list[Task] = []
    while True:
        if isinstance(step, Generator):
            stack.append(step)
            if len(stack) > limit:
                raise exceeded("stack", limit, None, "nested evaluations")
        elif not stack:
            return step
        try:
            step = next(stack[-1]) if isinstance(step, Generator) else stack[-1].send(step)
        except StopIteration as stop:
            stack.pop()
            step = stop.value
