"""Text that programs, contracts and inputs may hold, made safe for the formats that it is shown in."""

import re
from typing import Final

from spec.source import printable

# What XML 1.0 cannot hold, not even escaped.
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def lines(text: str) -> str:
    """Text of several lines for a terminal: control characters are spelled out, line ends stay."""
    return "\n".join(map(printable, text.split("\n")))


def xml(text: str) -> str:
    """Text for XML; the writer escapes the markup."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", lines(text))


def command_data(text: str) -> str:
    """Text after the `::` of a workflow command."""
    return lines(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def command_property(text: str) -> str:
    """A value between `key=` and the next comma of a workflow command."""
    return command_data(text).replace(":", "%3A").replace(",", "%2C")


def markdown(text: str) -> str:
    """One line of text as code in a cell of a Markdown table."""
    shown = printable(text).replace("|", "\\|")
    ticks = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}" if shown else ""
