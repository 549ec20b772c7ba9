"""The documentation as a site: `make docs`.

The source is the whole repository, so that every link leads where it leads on disk: pages to pages, all other files to
copies. Nothing is fetched: no fonts, no scripts of others, no inventories. The navigation is the index page itself:
under each of its headings, the pages that it links to. A warning is an error.
"""

import json
import re
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from pygments.lexer import RegexLexer, bygroups, words
from pygments.token import Comment, Generic, Keyword, Name, Number, Operator, Punctuation, String, Text

import verifier
from spec.property.carriers import KEYWORDS as CLAUSES
from spec.tokens import KEYWORDS

project = "rasp-verifier"
author = "The rasp-verifier authors"
release = verifier.__version__
html_title = f"rasp-verifier {release}"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown", ".ipynb": "markdown"}
root_doc = "docs/index"
include_patterns = [
    "docs/**.md",
    "docs/*.ipynb",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "benchmarks/README.md",
]
exclude_patterns = [".*", "build", "dist", "spec", "verifier", "compiled", "tests", "requirements"]
myst_heading_anchors = 3
highlight_language = "none"
pygments_style, pygments_dark_style = "friendly", "native"
html_theme = "furo"
html_static_path: list[str] = []
html_extra_path = ["site"]
html_copy_source = False
html_show_sphinx = html_show_copyright = False

BUILTINS = ("select", "aggregate", "selector_width", "tokens", "indices", "length", "full_s")
_PAGE = re.compile(r"\]\(([^)#\s:]+\.(?:md|ipynb))\)")


class RaspLexer(RegexLexer):
    """RASP with its `#@` lines, and contracts in files of their own."""

    name, aliases = "RASP", ["rasp", "prop"]
    tokens: ClassVar = {
        "root": [
            (r"(#@)(\s*)(\w+)?", bygroups(Comment.Special, Text, Keyword.Declaration)),
            (r"#.*", Comment),
            (words(CLAUSES, prefix=r"^", suffix=r"\b"), Keyword.Declaration),
            (r'"[^"\n]*"', String),
            (r"\d+(\.\d+)?", Number),
            (words(("forall", "exists", "iff", *KEYWORDS), suffix=r"\b"), Keyword),
            (words(BUILTINS, suffix=r"\b"), Name.Builtin),
            (r"[^\W\d]\w*", Name),
            (r"[-+*/%^=<>!]+", Operator),
            (r"[\[\](){},;:.]", Punctuation),
            (r"\s+|.", Text),
        ]
    }


class SessionLexer(RegexLexer):
    """What is typed after a prompt, and the answers."""

    name, aliases = "session", ["prompt"]
    tokens: ClassVar = {"root": [(r"^(>> |\$ )(.*\n)", bygroups(Generic.Prompt, Generic.Strong)), (r".*\n|.+", Text)]}


def navigation(_: Any, docname: str, content: list[str]) -> None:
    """Hang the pages that the index links to below it, section by section, and the records below their index."""
    if docname == root_doc:
        content[0] = re.sub(r"^## (.+)\n(?:(?!^#).*\n?)*", _section, content[0], flags=re.MULTILINE)
    if docname == "docs/decisions/README":
        content[0] += _tree("Decisions", sorted(set(_PAGE.findall(content[0]))), PurePosixPath("docs/decisions"))


def _section(found: "re.Match[str]") -> str:
    return found[0] + _tree(found[1], list(dict.fromkeys(_PAGE.findall(found[0]))), PurePosixPath("docs"))


def _tree(caption: str, pages: list[str], folder: PurePosixPath) -> str:
    shown = "\n".join("/" + _absolute(folder, page) for page in pages)
    return f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n{shown}\n```\n\n" if pages else ""


def _absolute(folder: PurePosixPath, page: str) -> str:
    path = folder
    for part in PurePosixPath(page).with_suffix("").parts:
        path = path.parent if part == ".." else path / part
    return path.as_posix()


def notebook(app: Any, docname: str, content: list[str]) -> None:
    """A notebook as a page: its text, its cells, and the outputs that are stored with it."""
    if Path(app.env.doc2path(docname)).suffix == ".ipynb":
        content[0] = "\n\n".join(part for cell in json.loads(content[0])["cells"] for part in _cell(cell))


def _cell(cell: dict[str, Any]) -> list[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return [source]
    return [f"```python\n{source}\n```", *map(_output, cell["outputs"])]


def _output(output: dict[str, Any]) -> str:
    data = output.get("data", {"text/plain": output.get("text", "")})
    for kind in ("text/html", "image/svg+xml"):
        if kind in data:
            return "````{raw} html\n" + "".join(data[kind]) + "\n````"
    return "```text\n" + "".join(data["text/plain"]).rstrip() + "\n```"


def setup(app: Any) -> None:
    """Register what is above."""
    app.add_lexer("rasp", RaspLexer)
    app.add_lexer("prop", RaspLexer)
    app.add_lexer("prompt", SessionLexer)
    app.add_lexer("console", SessionLexer)
    app.connect("source-read", navigation)
    app.connect("source-read", notebook)
