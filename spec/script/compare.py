"""`==` and `<` on lists and dictionaries, on an explicit stack and within the budget.

Lists share their parts, so a list that was doubled forty times is small in memory and 2^40 elements long to a naive
comparison.
"""

from spec.operators import Op, OperatorError, apply
from spec.script.budget import Meter
from spec.script.errors import python_error, unsupported
from spec.script.values import SOpValue, Value, is_atom
from spec.source import Span
from spec.values import Numbers


def equal(left: Value, right: Value, meter: Meter, span: Span | None, blurred: bool = False) -> bool:
    """Python's `==` on lists, dictionaries, functions and atoms; `1`, `1.0` and `True` are equal.

    To compare an s-op inside a list is an error, or, `blurred`, true: the reference takes the s-op that such a
    comparison makes for its truth value.
    """
    todo = [(left, right)]
    while todo:
        left, right = todo.pop()
        meter.step(span, 1 + len(left) // 1024 if isinstance(left, str) else 1)
        if left is right:
            continue
        if isinstance(left, SOpValue) or isinstance(right, SOpValue):
            if blurred:
                continue
            raise python_error("an s-op inside a list or dictionary cannot be compared", span)
        if isinstance(left, tuple) and isinstance(right, tuple):
            if len(left) != len(right):
                return False
            todo.extend(zip(left, right, strict=True))
        elif isinstance(left, dict) and isinstance(right, dict):
            if left.keys() != right.keys():
                return False
            todo.extend((value, right[key]) for key, value in left.items())
        elif not (is_atom(left) and is_atom(right) and left == right):
            return False
    return True


def ordered(
    op: Op, left: Value, right: Value, numbers: Numbers, meter: Meter, span: Span | None, blurred: bool = False
) -> bool:
    """Python's `<`, `<=`, `>`, `>=` on lists: by the first elements that differ, otherwise by length."""
    while isinstance(left, tuple) and isinstance(right, tuple):
        pairs = zip(left, right, strict=False)
        different = next((pair for pair in pairs if not equal(*pair, meter, span, blurred)), None)
        if different is None:
            return bool(apply(op, (len(left), len(right)), numbers))
        left, right = different
    if not (is_atom(left) and is_atom(right)):
        raise unsupported(op.value, left, right, span)
    try:
        return bool(apply(op, (left, right), numbers))
    except OperatorError as error:
        raise python_error(str(error), span) from error
