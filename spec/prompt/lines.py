"""Typed lines and files, cut into statements as the reference implementation's reader does it.

After each line the whole pending text is parsed again, unless it can be seen to go on without that. A line that is
only a comment counts as empty. What is typed arrives without its newline and lines are joined by a blank, so a comment
after an unfinished statement hides all that is typed after it; a file keeps its newlines.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from spec.ast import Statement
from spec.parse import Growing, Incomplete, SyntaxProblem
from spec.prompt.pending import judge

PROMPT: Final = ">> "
CONTINUATION: Final = ".. "
MAX_WORK: Final = 1 << 20
"""How many characters are parsed for one statement, each as often as it is parsed again."""


class Unreadable(Exception):
    """The pending text is no statement and cannot become one; it is dropped."""


class SeveralStatements(Exception):
    """The pending text is more than one statement; it is dropped."""


@dataclass(eq=False)
class Reader:
    """Statements from a source of lines, which gets the prompt to show and answers None at the end."""

    read_line: Callable[[str], str | None]
    name: str

    def statement(self) -> Statement | None:
        """The next statement, or None at the end; an unfinished statement at the end is dropped.

        Raises `Unreadable` or `SeveralStatements`.
        """
        pending, prompt, work, functions, growing = "", PROMPT, 0, 0, Growing()
        while True:
            line = self.read_line(prompt)
            if line is None:
                return None
            line = "" if line.strip().startswith("#") else line
            pending += line
            functions += line.split().count("def")
            work += 0 if growing.unfinished(line) else len(pending) * (1 + 4 * pending.count("#"))
            if max(work, len(pending)) > MAX_WORK:
                raise Unreadable(f"a statement of more than {len(pending)} characters")
            match Incomplete() if growing.known else judge(pending, self.name):
                case Incomplete():
                    pending += " "
                    prompt = CONTINUATION + "  " * functions
                case SyntaxProblem(message=message):
                    raise Unreadable(message)
                case (statement,):
                    return statement
                case _:
                    raise SeveralStatements
