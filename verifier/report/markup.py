"""HTML and SVG elements: whatever is not markup already is escaped, in one place."""

from html import escape

from spec.source import printable


class Markup(str):
    """Text that is markup already; only `element` and `join` make it from anything else."""

    __slots__ = ()


def element(name: str, /, *children: str, **attributes: str | int | None) -> Markup:
    """`<name attributes>children</name>`; attributes that are `None` are left out, `data_x` is written `data-x`."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(printable(str(value)))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def void(name: str, /, **attributes: str | int | None) -> Markup:
    """`<name attributes>`, without an end."""
    return Markup(element(name, **attributes).removesuffix(f"</{name}>"))


def join(*children: str) -> Markup:
    """The children one after the other, text among them escaped."""
    return Markup("".join(child if isinstance(child, Markup) else _text(child) for child in children))


def _text(text: str) -> str:
    return escape("\n".join(map(printable, text.split("\n"))))
