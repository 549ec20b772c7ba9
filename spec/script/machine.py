"""Evaluation on an explicit stack.

A task is a generator that yields the steps it waits for and returns its value; a step is another task, or a value
that was known at once. The stack is a list here, so the depth of a program never meets Python's recursion limit.
"""

from collections.abc import Generator
from types import GeneratorType
from typing import TypeAlias, cast

from spec.script.budget import exceeded
from spec.script.values import Value

Step: TypeAlias = "Task | Value"
Task: TypeAlias = Generator["Step", Value, Value]


def run(step: Step, limit: int) -> Value:
    """The value of a step; at most `limit` tasks are active at once. An error ends them all."""
    stack: list[Task] = []
    answer: Value | None = None  # what the topmost task waits for; None before it has started
    while True:
        if isinstance(step, GeneratorType):
            if len(stack) >= limit:
                raise exceeded("stack", limit, None, "nested evaluations")
            stack.append(step)
            answer = None
        else:
            answer = cast("Value", step)  # every task is made by a generator function
            if not stack:
                return answer
        try:
            step = next(stack[-1]) if answer is None else stack[-1].send(answer)
        except StopIteration as stop:
            stack.pop()
            step = stop.value
