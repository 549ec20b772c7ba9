"""The parser: precedence, spans, errors with their places, hostile texts."""

from spec.parse import parse_file_text
from spec.source import Source


def test_a_program_parses() -> None:
    statements = parse_file_text(Source("t.rasp", "x = 1;\ndef f(a) { return a; }\nset example x\nx;\n"))
    assert [type(s).__name__ for s in statements] == ["Assign", "FunctionDef", "SetExample", "ExpressionStatement"]
