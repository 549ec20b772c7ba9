"""What the prompt prints, character for character as the reference implementation does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from spec.ast import ExampleKind
from spec.prompt.memory import Memory
from spec.prompt.results import Matrix, Result, Row, items, look_up
from spec.prompt.text import plain, quoted
from spec.script import naming
from spec.script.errors import python_error
from spec.script.values import Function, SelectorValue, SOpValue, Value, is_atom, truth

FAILED = "EVALUATION FAILURE"


@dataclass
class Settings:
    """The running examples, and what is shown of them."""

    sop_example: Value = "hello"
    selector_example: Value = "hello"
    show_sops: bool = True
    show_selectors: bool = True
    full: bool = False

    def set_example(self, kind: ExampleKind, example: Value) -> None:
        """`set [..] example`."""
        if kind is not ExampleKind.SELECTOR:
            self.sop_example = example
        if kind is not ExampleKind.SOP:
            self.selector_example = example

    def toggle(self, kind: ExampleKind, on: bool) -> None:
        """`[..] examples on|off`."""
        if kind is not ExampleKind.SELECTOR:
            self.show_sops = on
        if kind is not ExampleKind.SOP:
            self.show_selectors = on


@dataclass(eq=False)
class Display:
    """Prints values; s-ops and selectors with what they are on the running examples."""

    memory: Memory
    settings: Settings
    write: Callable[[str], object]

    def line(self, *parts: str, end: str = "\n") -> None:
        """The parts with blanks between them, as Python's `print` writes them."""
        self.write(" ".join(parts) + end)

    # -------------------------------------------------------------------------------------------- results

    def applied(self, result: Result | None, argument: Value) -> None:
        """The result of an application; None is the result of a loop."""
        match result:
            case None:
                return
            case Matrix():
                self.line("\t = ")
                self._matrix(argument, result)
            case Row() if self.settings.full:
                self.write("\t = ")
                self._full(argument, result)
            case Row():
                self.line("\t = ", str(result).replace("\n", "\n\t\t\t"))

    def examples(self, kind: ExampleKind) -> None:
        """`show [..] example`."""
        if kind is not ExampleKind.SELECTOR:
            self.line("\ts-op example:", quoted(self.settings.sop_example))
        if kind is not ExampleKind.SOP:
            self.line("\tselector example:", quoted(self.settings.selector_example))

    # -------------------------------------------------------------------------------------------- named values

    def named(self, name: str | None, value: Value, tabs: int = 0, key: str = "") -> None:
        """A value under its name; parts of lists and dictionaries go by their own names, if they have one.

        The reference prints one part after the other by recursion; here the parts still to come wait on a stack.
        """
        todo: list[tuple[str | None, Value, int, str] | str] = [(name, value, tabs, key)]
        while todo:
            current = todo.pop()
            if isinstance(current, str):
                self.line(current)
            elif isinstance(current[1], (tuple, dict)):
                todo += reversed(self._collection(*current))
            else:
                self._single(*current)

    def _collection(
        self, name: str | None, value: Value, tabs: int, key: str
    ) -> list[tuple[str | None, Value, int, str] | str]:
        """Print the head of a list or dictionary, and its elements if they fit a line; what remains to be printed."""
        pad = "\t" * tabs
        word, brackets, deeper = ("list", "[]", 2) if isinstance(value, tuple) else ("dict", "{}", 3)
        title = f"   {word}: " + (f"{name} = " if name is not None else "")
        entries: list[tuple[str, Value]] = []
        if isinstance(value, dict):
            entries = [(f"{quoted(entry)} : ", part) for entry, part in value.items()]
        elif isinstance(value, tuple):
            entries = [("", part) for part in value]
        if all(_fits_line(part) for _, part in entries):
            self.line(f"{pad} {key} {title}{plain(value)}")
            return []
        self.line(f"{pad} {key} {title}{pad} {brackets[0]}")
        end = pad + " " * (len(title) + 2) + brackets[1]
        return [*((None, part, tabs + deeper, entry) for entry, part in entries), end]

    def _single(self, name: str | None, value: Value, tabs: int, key: str) -> None:
        pad = "\t" * tabs
        match value:
            case SOpValue():
                self._sop(value, value.name if name is None else name, pad, key)
            case SelectorValue():
                self._selector(value, value.name if name is None else name, pad, key)
            case Function():
                self.line(f"{pad} {key}    {naming.function_text(value)}")
            case _:
                self.line(f"{pad}    value: {'' if name is None else f'{name} = '}", quoted(value))

    def _sop(self, sop: SOpValue, name: str, pad: str, key: str) -> None:
        self.line(pad, key, "   s-op:", name)
        if not self.settings.show_sops:
            return
        example = self.settings.sop_example
        what = f"{name}({quoted(example)}) ="
        if not self.settings.full:
            result = self.memory.evaluate(sop.node, example, self.line)
            self.line(f"{pad} \t Example: {what}", FAILED if result is None else str(result))
            return
        self.write(f"{pad} \t Example:")
        result = self.memory.evaluate(sop.node, example, self.line)
        if not isinstance(result, Row):
            raise no_attribute("get_vals")
        self._full(self.settings.selector_example, result, pad, what)

    def _selector(self, selector: SelectorValue, name: str, pad: str, key: str) -> None:
        self.line(pad, key, f"   selector: {name}")
        if not self.settings.show_selectors:
            return
        self.line(f"{pad} \t Example:")
        example = self.settings.selector_example
        self._matrix(example, self.memory.evaluate(selector.node, example, self.line), pad)

    # -------------------------------------------------------------------------------------------- pictures

    def _matrix(self, example: Value, matrix: Result | None, pad: str = "") -> None:
        shown = [plain(item) for item in items(example)]
        self.line(pad, "\t\t\t    ", " ".join(shown))
        if not isinstance(matrix, Matrix):
            raise no_attribute("get_vals")
        for row, item in zip(range(len(matrix.rows)), shown, strict=False):
            marks = " ".join("1" if entry else " " for entry in matrix.entries(row))
            self.line(pad, "\t\t\t", item, "|", marks)

    def _full(self, example: Value, row: Row, pad: str = "", what: str = "") -> None:
        """Input and output, one above the other, unless the output is the same everywhere."""
        if row.uniform:
            self.line("", what, str(row), "[skipped full display: identical values]")
            return
        self.line("")
        if not example:
            raise python_error("there is no position 0", None)
        first = look_up(example, 0) if isinstance(example, dict) else None
        above, below = _cells(items(example), first), _cells(row.values, row.at(0))
        width = max(map(len, above + below))
        self.line(pad, "\t\tinput:  ", " ".join(cell.rjust(width) for cell in above), "\t", "(strings)")
        self.line(pad, "\t\toutput: ", " ".join(cell.rjust(width) for cell in below), "\t", f"({row.kind}s)")


def no_attribute(name: str) -> Exception:
    """The reference's stumble over an evaluation that failed."""
    return python_error(f"'str' object has no attribute '{name}'", None)


def _fits_line(part: Value) -> bool:
    return is_atom(part) or not isinstance(part, (tuple, dict, SOpValue, SelectorValue))


def _cells(values: Sequence[Value], first: Value | None) -> list[str]:
    """The values as text; of truth values only the rarer one is marked, or both when they are as frequent.

    They are truth values when the first one is; a dictionary, of which the keys are shown, is asked for its entry 0.
    """
    if not isinstance(values[0] if first is None else first, bool):
        return [plain(value) for value in values]
    yes, no = values.count(True), values.count(False)
    marks = ("F" if no <= yes else "", "T" if yes <= no else "")
    return [marks[truth(value)] for value in values]
