"""Hostile and malformed input: each case ends with its documented exit code, quickly, in little memory, and in words.

Every case runs the command itself. No answer may be a traceback, whatever the input; 70 would be a bug of ours.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.command_server import Commands, Done

MAX_CPU_S = 5.0
MAX_MIB = 512
START_S = 1.0
"""What starting the command costs, which the server has paid before; it counts."""

RUN = ("run", "a.rasp::x", "abc")
CHECK = ("check", "a.rasp", "--jobs", "1")
BRIEF = (*CHECK, "--wall", "1", "--kill-after", "2")
Content = str | bytes | Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """Files (`a.rasp` has the given text), a command, the exit code, and words that must be said."""

    text: Content | None
    code: int
    says: str = ""
    argv: tuple[str, ...] = RUN
    files: dict[str, Content] = field(default_factory=dict)
    stdin: Content | None = None


def directory(path: Path) -> None:
    path.mkdir()


def pipe(path: Path) -> None:
    os.mkfifo(path)


def link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


SYNTAX = {
    "parentheses": Case("x = " + "(" * 200_000 + "1" + ")" * 200_000 + ";", 2, "R0106"),
    "open brackets": Case("[" * 500_000, 2, "R0106"),
    "closing brackets": Case("x = 1" + ")" * 500_000 + ";", 2),
    "nested functions": Case("def f() { " * 50_000, 2, "R0106"),
    "nested loops": Case("for i in [1] { " * 900 + "x = indices;" + "}" * 900, 0),
    "long sum": Case("x = indices" + " + 1" * 15_000 + ";", 0, "["),
    "longer sum": Case("x = indices" + " + 1" * 200_000 + ";", 2),
    "signs": Case("x = " + "-" * 500_000 + "indices;", 2),
    "negations": Case("x = " + "not " * 20_000 + "indices;", 0),
    "conditionals": Case("x = 1" + " if indices > 1 else 2" * 8_000 + ";", 0),
    "comparisons": Case("x = indices" + " < 1" * 15_000 + ";", 0),
    "calls of nothing": Case("x = f" + "()" * 200_000 + ";", 2),
    "indices of indices": Case("x = a" + "[0]" * 100_000 + ";", 2),
    "semicolons": Case(";" * (1 << 20), 2),
    "statements": Case("x=1;" * 250_000, 2),
    "missing semicolons": Case("x = 1\n" * 100_000, 2),
    "quotes": Case('"' * 900_001, 2),
    "illegal characters": Case("@" * 900_000, 2),
    "long string": Case('x = "' + "a" * 900_000 + '";', 2),
    "long name": Case("x" * 900_000 + " = indices;", 2, argv=RUN),
    "long integer": Case("x = " + "9" * 900_000 + ";", 2, "R0107"),
    "long decimal": Case("x = 0." + "9" * 900_000 + ";", 2, "R0107"),
    "terminal escapes": Case("x = \x1b]0;title\x07 1;", 2, "\\x1b"),
    "bidirectional text": Case('x = "\u202e" \u202e;', 2, "\\u202e"),
    "carriage returns": Case("x = indices;\r" * 1000, 0),
    "a missing semicolon": Case("x = indices\ny = 1;", 2, ";"),
}

FILES = {
    "too large": Case("#" * ((1 << 20) + 1), 2, "R0111"),
    "a megabyte of comment": Case("#" * (1 << 20), 2),
    "a megabyte of comments": Case("#\n" * (1 << 19), 5, argv=CHECK),
    "a megabyte of clauses": Case("#@ ensures n > 0\n" * 60_000, 2, "P0108", CHECK),
    "a megabyte of near misses": Case("# @ ensures n > 0\n" * 58_000, 2, "P0103", CHECK),
    "NUL": Case(b"x = indices;\0", 2, "R0113"),
    "not UTF-8": Case(b"x = indices; # \xff", 2, "R0112"),
    "UTF-16": Case("x = indices;".encode("utf-16"), 2, "R0112"),
    "empty": Case("", 5, argv=CHECK),
    "empty, run": Case("", 2),
    "only a mark": Case(b"\xef\xbb\xbf", 5, argv=CHECK),
    "binary": Case(bytes(range(256)) * 1000, 2),
    "folder": Case(directory, 2, "R0110"),
    "folder without programs": Case(directory, 5, argv=CHECK),
    "pipe": Case(pipe, 2, "R0110"),
    "pipe, checked": Case(pipe, 2, "R0110", CHECK),
    "endless device": Case(link("/dev/zero"), 2, "R0110"),
    "link to itself": Case(link("a.rasp"), 2, "R0110"),
    "missing": Case(None, 2, "R0110"),
    "missing, checked": Case(None, 2, "R0110", CHECK),
    "name of 5000 characters": Case("", 2, "R0110", ("run", "a" * 5000, "abc")),
    "name with escapes": Case("", 2, "\\x1b", ("check", "\x1b[31m.rasp")),
    "name with NUL": Case("", 2, "", ("check", "a\0b.rasp")),
    "no name": Case("x = indices;", 2, "", ("run", "a.rasp::", "abc")),
    "unknown s-op": Case("x = indices;", 2, "x", ("run", "a.rasp::y", "abc")),
}

EXPANSION = {
    "calls that double": Case("def d(x) { return x + x; } x = " + "d(" * 60 + "indices" + ")" * 60 + ";", 0),
    "functions that double": Case(
        "def f0(a) { return a + 1; }\n"
        + "".join(f"def f{i}(a) {{ return f{i - 1}(a) + f{i - 1}(a + 1); }}\n" for i in range(1, 40))
        + "x = f39(indices);",
        2,
    ),
    "endless recursion": Case("def f(a) { return f(a); } x = f(1);", 2),
    "mutual recursion": Case("def f(a) { return g(a); } def g(a) { return f(a + 1); } x = f(1);", 2),
    "Ackermann": Case(
        "def a(m, n) { return n + 1 if m == 0 else (a(m - 1, 1) if n == 0 else a(m - 1, a(m, n - 1))); } x = a(4, 4);",
        2,
    ),
    "list that doubles": Case("l = [1]; for i in range(100) { l = l + l; }", 2),
    "text that doubles": Case('s = "a"; for i in range(100) { s = s + s; }', 2),
    "nested list": Case("l = [1]; for i in range(100000) { l = [l, l]; } x = l == l;", 2),
    "power of powers": Case("x = 9 ^ 9 ^ 9 ^ 9;", 2),
    "repeated squaring": Case("a = 3; for i in range(60) { a = a * a; } x = indices + a;", 2),
    "power of s-ops": Case("x = (indices + 9) ^ 9 ^ 9 ^ 9 ^ 9 ^ 9;", 2),
    "negative power": Case("x = indices + 2 ^ (0 - 10000000);", 2),
    "root of a negative": Case("x = indices + (0 - 8) ^ (1 / 3);", 2),
    "long text by multiplication": Case('x = tokens + "a" * 1000000000;', 2),
    "long list by multiplication": Case("x = [1] * 1000000000;", 2),
    "formatted text": Case('x = tokens + "%1000000000d" % 1;', 2),
    "precision in a format": Case('x = tokens + "%.1000000000f" % 1.5;', 2),
    "formatted tokens": Case('x = "%1000000000s" % tokens;', 2),
    "long range": Case("x = range(1000000000);", 2),
    "range beyond machine integers": Case("x = range(" + "9" * 4000 + ");", 2),
    "loops in loops": Case("r = range(1000); for i in r { for j in r { for k in r { x = i; } } }", 2),
    "comprehension": Case("r = range(1000); x = [[[k for k in r] for j in r] for i in r];", 2),
    "large dictionary": Case("r = range(90000); d = {i: i for i in r}; x = [{i: d for i in r} for j in r];", 2),
    "zip": Case("r = range(90000); x = zip(r, r); for i in r { x = zip(x, x); }", 2),
    "graph": Case("x = indices; for i in range(90000) { x = x + i; y = x * x; z = y - 1; }", 2),
    "selectors": Case("s = select(0, 1, ==); for i in range(90000) { s = s or select(indices, i, ==); }", 2),
    "names that grow": Case("x = tokens; for i in range(5000) { x = x + x; } y = x;", 2, argv=("explain", "a.rasp::q")),
    "division by zero in the script": Case("x = indices + 1 / 0;", 2),
    "growing value": Case("x = tokens; for i in range(60) { x = x + x; }", 2),
    "growing number": Case("x = indices + 3; for i in range(60) { x = x * x; }", 2),
}

LOADS = {
    "itself": Case('load "a";', 2, "circle"),
    "each other": Case('load "b";', 2, "circle", files={"b.rasp": 'load "c";', "c.rasp": 'load "a";'}),
    "parent folder": Case('load "../secret";', 2, "folder"),
    "parent folder inside": Case('load "b/../../secret";', 2, "folder"),
    "absolute": Case('load "/etc/passwd";', 2, "folder"),
    "backslash": Case('load "b\\..\\secret";', 2, "folder"),
    "drive": Case('load "C:secret";', 2, "folder"),
    "address": Case('load "http://localhost/x";', 2),
    "missing": Case('load "b";', 2, "could not find"),
    "long name": Case(f'load "{"b" * 100_000}";', 2),
    "link outside": Case('load "b";', 2, "link", files={"b.rasp": link("/etc/hostname")}),
    "link to itself": Case('load "b";', 2, files={"b.rasp": link("b.rasp")}),
    "folder": Case('load "b";', 2, files={"b.rasp": directory}),
    "pipe": Case('load "b";', 2, files={"b.rasp": pipe}),
    "device": Case('load "b";', 2, files={"b.rasp": link("/dev/zero")}),
    "binary": Case('load "b";', 2, files={"b.rasp": bytes(range(256))}),
    "large": Case('load "b";', 2, files={"b.rasp": "#" * (2 << 20)}),
    "wrong syntax": Case('load "b";', 2, "b.rasp:1", files={"b.rasp": "x = ;"}),
    "chain": Case('load "f0";', 2, files={f"f{i}.rasp": f'load "f{i + 1}";' for i in range(100)}),
    "doubling": Case('load "f0";', 2, files={f"f{i}.rasp": f'load "f{i + 1}"; load "f{i + 1}";' for i in range(30)}),
}


def contract(*clauses: str) -> str:
    """A harmless program with these clauses."""
    return "x = indices + 1;\ny = tokens;\n" + "".join(f"#@ {clause}\n" for clause in clauses)


CONTRACTS = {
    "counted repetitions": Case(contract("accepts x[0] == 1 iff /((a{1000}){1000}){1000}/"), 2, "P0201", CHECK),
    "nested stars": Case(contract("accepts x[0] == 1 iff /" + "(" * 2000 + "a" + ")*" * 2000 + "/"), 2, argv=CHECK),
    "exponential automaton": Case(contract("accepts x[0] == 1 iff /(a|b)*a(a|b){40}/"), 2, "P0201", CHECK),
    "long pattern": Case(contract("accepts x[0] == 1 iff /" + "a?" * 200_000 + "/"), 2, "P0201", CHECK),
    "alternatives": Case(contract("accepts x[0] == 1 iff /" + "|".join(["ab"] * 100_000) + "/"), 2, "P0201", CHECK),
    "back reference": Case(contract(r"accepts x[0] == 1 iff /(a)\1/"), 2, "P0201", CHECK),
    "look-ahead": Case(contract("accepts x[0] == 1 iff /(?=a)b/"), 2, "P0201", CHECK),
    "unclosed pattern": Case(contract("accepts x[0] == 1 iff /(a"), 2, argv=CHECK),
    "unclosed class": Case(contract("accepts x[0] == 1 iff /[a/"), 2, argv=CHECK),
    "backwards repetition": Case(contract("accepts x[0] == 1 iff /a{9,3}/"), 2, "P0201", CHECK),
    "one bracket twice": Case(contract('accepts x[0] == 1 iff dyck("()", "(]")'), 2, argv=CHECK),
    "no brackets": Case(contract("accepts x[0] == 1 iff dyck()"), 2, argv=CHECK),
    "class over all characters": Case(
        contract("scope integers=0..900000", "accepts x[0] == 1 iff /[^a]/"), 2, "P0201", CHECK
    ),
    "huge length": Case(contract("scope lengths=1..1" + "0" * 30, "ensures n > 0"), 2, "P0104", CHECK),
    "length of 5000 digits": Case(contract("scope lengths=1.." + "9" * 5000, "ensures n > 0"), 2, argv=CHECK),
    "length zero": Case(contract("scope lengths=0..3", "ensures n > 0"), 2, "P0104", CHECK),
    "lengths backwards": Case(contract("scope lengths=3..1", "ensures n > 0"), 2, "P0104", CHECK),
    "negative length": Case(contract("scope lengths=-3..1", "ensures n > 0"), 2, "P0104", CHECK),
    "contradictory scope": Case(contract("scope lengths=2 lengths=3", "ensures n > 0"), 2, "P0104", CHECK),
    "two alphabets": Case(contract("scope alphabet=ab integers=0..1", "ensures n > 0"), 2, "P0104", CHECK),
    "no alphabet": Case(contract("scope alphabet=[]", "ensures n > 0"), 2, "P0104", CHECK),
    "a symbol twice": Case(contract("scope alphabet=aba", "ensures n > 0"), 2, "P0104", CHECK),
    "nested alphabet": Case(contract('scope alphabet=[["a"]]', "ensures n > 0"), 2, "P0104", CHECK),
    "deep alphabet": Case(contract("scope alphabet=" + "[" * 100_000, "ensures n > 0"), 2, "P0104", CHECK),
    "symbol that is no number": Case(contract("scope alphabet=[NaN, 1e999]", "ensures n > 0"), 2, "P0104", CHECK),
    "symbol of 5000 digits": Case(contract("scope alphabet=[" + "9" * 5000 + "]", "ensures n > 0"), 2, "P0104", CHECK),
    "integers backwards": Case(contract("scope integers=5..1", "ensures n > 0"), 2, "P0104", CHECK),
    "unknown numbers": Case(contract("scope numbers=float", "ensures n > 0"), 2, "P0104", CHECK),
    "unknown scope option": Case(contract("scope length=3", "ensures n > 0"), 2, "P0104", CHECK),
    "unknown clause": Case(contract("ensure n > 0"), 2, "P0102", CHECK),
    "near miss": Case("x = indices;\n# @ ensures n > 0\n", 2, "P0103", CHECK),
    "clause after code": Case("x = indices; #@ ensures n > 0\n", 2, "P0103", CHECK),
    "continuation into nothing": Case("x = indices;\n#@ ensures n > 0 \\\n", 2, "P0103", CHECK),
    "empty clause": Case(contract("ensures"), 2, argv=CHECK),
    "unknown name": Case(contract("ensures z[0] == 1"), 2, "P0301", CHECK),
    "unknown expectation": Case(contract("ensures n > 0", "expect ensures1: maybe"), 2, argv=CHECK),
    "expectation of nothing": Case(contract("ensures n > 0", "expect other: refuted"), 2, "P0107", CHECK),
    "a name twice": Case(contract("ensures a: n > 0", "ensures a: n > 1"), 2, "P0105", CHECK),
    "contradictory preconditions": Case(
        contract("requires n > 2", "requires n < 2", "ensures x[0] == 1"), 4, argv=CHECK
    ),
    "always wrong": Case(contract('ensures "a" < 3'), 2, argv=CHECK),
    "deep expression": Case(contract("ensures " + "not " * 5000 + "n > 0"), 2, "levels", CHECK),
    "deep parentheses": Case(contract("ensures " + "(" * 5000 + "n > 0" + ")" * 5000), 0, argv=CHECK),
    "deeper parentheses": Case(contract("ensures " + "(" * 300_000 + "n > 0" + ")" * 300_000), 2, "P0109", CHECK),
    "long conjunction": Case(contract("ensures " + " and ".join(["n > 0"] * 20_000)), 2, "P0109", CHECK),
    "long chain": Case(contract("ensures " + " <= ".join(["n"] * 20_000)), 2, "P0109", CHECK),
    "long sum": Case(contract("ensures " + " + ".join(["n"] * 5_000) + " > 0"), 2, "levels", CHECK),
    "long list": Case(contract("ensures n in [" + ", ".join(["1"] * 100_000) + "]"), 2, "P0109", CHECK),
    "long number": Case(contract("ensures n < " + "9" * 5000), 2, "digits", CHECK),
    "power of powers": Case(contract("ensures n < 9 ^ 9 ^ 9 ^ 9"), 1, "no value", argv=CHECK),
    "many variables": Case(
        contract("ensures forall " + ", ".join(f"i{k}" for k in range(60)) + ": i0 >= 0"), 3, argv=BRIEF
    ),
    "long range": Case(contract("ensures forall k in 0..10 ^ 15: k >= 0"), 1, "no value", CHECK),
    "ranges in ranges": Case(contract("ensures forall k in 0..99999: forall m in 0..99999: k + m >= 0"), 3, argv=BRIEF),
    "other file outside": Case(contract('equiv x == "../../etc/passwd"::x'), 2, argv=CHECK),
    "other file absolute": Case(contract('equiv x == "/etc/passwd"::x'), 2, argv=CHECK),
    "other file missing": Case(contract('equiv x == "b.rasp"::x'), 2, argv=CHECK),
    "other file is a pipe": Case(contract('equiv x == "b.rasp"::x'), 2, argv=CHECK, files={"b.rasp": pipe}),
    "other file is a link outside": Case(
        contract('equiv x == "b.rasp"::x'), 2, argv=CHECK, files={"b.rasp": link("/etc/hostname")}
    ),
    "other file is this one": Case(contract('equiv x == "a.rasp"::x'), 0, argv=CHECK),
    "example of many tokens": Case(contract(f'example y("{"a" * 200_000}") == ["a"]'), 2, "4096", CHECK),
    "architecture of nothing": Case(contract("arch layers <= 0"), 2, "P0309", CHECK),
    "negative layers": Case(contract("arch x: layers <= -1"), 2, argv=CHECK),
    "unbounded integers": Case(contract("scope integers=any", "ensures x[0] == 1"), 0, argv=CHECK),
    "lone surrogate": Case(contract(r'scope alphabet=["\ud800", "a"]', 'ensures y[0] == "a"'), 1, argv=CHECK),
    "unbounded lengths": Case(contract("scope lengths=any", "ensures x[0] == 2"), 1, argv=CHECK),
    "property file is a folder": Case("x = indices;", 2, argv=CHECK, files={"a.prop": directory}),
    "property file is a pipe": Case("x = indices;", 2, argv=CHECK, files={"a.prop": pipe}),
    "property file is binary": Case("x = indices;", 2, "R0112", CHECK, {"a.prop": bytes(range(128, 256))}),
    "property file is large": Case("x = indices;", 2, "R0111", CHECK, {"a.prop": "#" * (2 << 20)}),
    "property file is a program": Case("x = indices;", 2, "P0102", CHECK, {"a.prop": "x = indices;"}),
    "property file with marks": Case("x = indices;", 2, "", CHECK, {"a.prop": "#@ ensures n > 0"}),
    "property file goes on": Case("x = indices;", 2, "", CHECK, {"a.prop": "ensures n > 0 \\\n" * 50_000}),
}

FINE = "x = tokens; y = select(tokens, tokens, ==); h = selector_width(y); l = length;"


def running(word: str, code: int, says: str = "", name: str = "x") -> Case:
    return Case(FINE, code, says, ("run", f"a.rasp::{name}", word))


def asking(*argv: str) -> Case:
    return Case(FINE, 2, "", argv)


REQUESTS = {
    "empty input": running("", 2),
    "empty list": running("[]", 2),
    "broken JSON": running("[1, 2", 2, "JSON"),
    "deep JSON": running("[" * 50_000 + "]" * 50_000, 2),
    "object": running('[{"a": 1}]', 2),
    "null": running("[null]", 2),
    "no number": running("[NaN]", 2),
    "infinite number": running("[1e999]", 2),
    "integer of 5000 digits": running("[" + "9" * 5000 + "]", 2),
    "tiny number": running("[1e-99999999]", 0),
    "lone surrogate": running(r'["\ud800"]', 0, "\\ud800"),
    "terminal escapes": running("\x1b[31m", 0, "\\x1b"),
    "long input": running("a" * 100_000, 2, "4096"),
    "longest input, to a selector": running("ab" * 2048, 0, "2048", "h"),
    "everything of a file": Case(FINE, 0, "h = ", ("run", "a.rasp", "aab")),
    "selector for an s-op": running("abc", 2, "selector", "y"),
    "unknown command": asking("prune", "a.rasp"),
    "unknown option": asking("check", "a.rasp", "--fast"),
    "abbreviated option": asking("check", "a.rasp", "--verb"),
    "unknown engine": asking("check", "a.rasp", "--engine", "oracle"),
    "no jobs": asking("check", "a.rasp", "--jobs", "0"),
    "jobs of words": asking("check", "a.rasp", "--jobs", "many"),
    "time that is none": asking("check", "a.rasp", "--wall", "nan"),
    "negative time": asking("check", "a.rasp", "--kill-after", "-1"),
    "negative memory": asking("check", "a.rasp", "--memory", "-1"),
    "lengths twice": asking("check", "a.rasp::x", "--lengths", "1..2..3"),
    "lengths of words": asking("check", "a.rasp::x", "--lengths", "one..two"),
    "lengths without end": asking("check", "a.rasp::x", "--lengths", "1.." + "9" * 5000),
    "alphabet of lists": asking("check", "a.rasp::x", "--alphabet", "[[1]]"),
    "alphabet without end": asking("check", "a.rasp::x", "--alphabet", "[" * 50_000),
    "alphabet that is no text": asking("check", "a.rasp::x", "--alphabet", '"a'),
    "empty alphabet": asking("check", "a.rasp::x", "--alphabet", ""),
    "two kinds of symbols": asking("check", "a.rasp::x", "--alphabet", "ab", "--integers", "0..1"),
    "integers backwards": asking("check", "a.rasp::x", "--integers", "3..1"),
    "property that is none": asking("prove", "a.rasp", ")("),
    "property that is empty": asking("prove", "a.rasp", ""),
    "two properties": asking("prove", "a.rasp", "ensures n > 0\nensures n > 1"),
    "deep property": asking("prove", "a.rasp", "(" * 60_000 + "n > 0" + ")" * 60_000),
    "property with NUL": asking("prove", "a.rasp", "n > 0 \0"),
    "precondition that is none": asking("prove", "a.rasp", "n > 0", "--requires", "n >"),
    "clauses in a precondition": asking("prove", "a.rasp", "n > 5", "--requires", "n > 0\nensures n > 0"),
    "witness of nothing": asking("find", "a.rasp", "z == z"),
    "file without a name": asking("equiv", "a.rasp", "a.rasp::x"),
    "equal to a missing file": asking("equiv", "a.rasp::x", "b.rasp::x"),
    "equal to a missing s-op": asking("equiv", "a.rasp::x", "a.rasp::z"),
    "name that is a clause": asking("check", "a.rasp::x\nensures n > 0"),
    "unknown form": asking("explain", "a.rasp", "--emit", "pdf"),
}

REPL = {
    "long line": Case(None, 0, "", ("repl",), stdin="x" * 2_000_000 + ";\n"),
    "deep nesting": Case(None, 0, "", ("repl",), stdin="x = " + "(" * 20_000 + "1" + ")" * 20_000 + ";\n"),
    "not UTF-8": Case(None, 0, "", ("repl",), stdin=b"x = \xff\xfe;\n1;\n"),
    "NUL": Case(None, 0, "", ("repl",), stdin=b"x = 1\0;\n"),
    "unfinished for ever": Case(None, 0, "", ("repl",), stdin="(1 +\n" * 2000),
    "expansion": Case(None, 0, "", ("repl",), stdin="x = tokens;\n" + "x = x + x;\n" * 60),
    "power of powers": Case(None, 0, "", ("repl",), stdin="9 ^ 9 ^ 9 ^ 9;\n1;\n"),
    "endless recursion": Case(None, 0, "", ("repl",), stdin="def f(a) { return f(a); }\nf(1);\n2;\n"),
    "load outside": Case(None, 0, "", ("repl",), stdin='load "../../../../etc/passwd";\nload "/dev/zero";\n'),
    "long example": Case(
        None, 0, "", ("repl",), stdin=f'set example "{"ab" * 5000}"\nselector_width(select(tokens, tokens, ==));\n'
    ),
}

CORPUS = {"syntax": SYNTAX, "files": FILES, "expansion": EXPANSION, "loads": LOADS, "contracts": CONTRACTS}
CORPUS |= {"requests": REQUESTS, "repl": REPL}
CASES = {f"{group}: {name}": case for group, cases in CORPUS.items() for name, case in cases.items()}

COSTLY = {
    "contracts: alternatives",
    "contracts: deep parentheses",
    "contracts: long pattern",
    "contracts: ranges in ranges",
    "contracts: unbounded integers",
    "expansion: Ackermann",
    "expansion: comprehension",
    "expansion: functions that double",
    "expansion: graph",
    "expansion: loops in loops",
    "expansion: nested list",
    "expansion: selectors",
    "files: a megabyte of comments",
    "syntax: calls of nothing",
    "syntax: comparisons",
    "syntax: conditionals",
    "syntax: indices of indices",
    "syntax: long sum",
    "syntax: longer sum",
    "syntax: statements",
}
"""Those that take a second or more; they run with the slow tests."""
PARAMETERS = [pytest.param(name, marks=[pytest.mark.slow] * (name in COSTLY)) for name in CASES]


@pytest.fixture(scope="module")
def commands() -> Iterator[Commands]:
    server = Commands()
    yield server
    server.close()


def write(path: Path, content: Content) -> None:
    if callable(content):
        content(path)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_bytes(content.encode())


def done(case: Case, commands: Commands, folder: Path) -> Done:
    inside = folder / "inside"
    inside.mkdir()
    write(folder / "secret.rasp", "x = indices;")
    if case.text is not None:
        write(inside / "a.rasp", case.text)
    for name, content in case.files.items():
        write(inside / name, content)
    stdin = folder / "stdin"
    if case.stdin is not None:
        write(stdin, case.stdin)
    return commands.run(case.argv, inside, None if case.stdin is None else stdin)


@pytest.mark.parametrize("name", PARAMETERS)
def test_each_case_ends_as_documented(name: str, commands: Commands, tmp_path: Path) -> None:
    case = CASES[name]
    found = done(case, commands, tmp_path)
    said = found.out + found.err
    assert "Traceback" not in said
    assert "internal error" not in said
    assert found.code == case.code, said[:2000]
    assert case.says in said
    assert found.code in (0, 5) or said.strip(), "no word about what is wrong"
    if case.argv[0] != "repl":  # which says what the reference says, tabs and long names included
        assert all(char.isprintable() or char == "\n" for char in said), "control characters reach the terminal"
        assert len(said) < 50_000, "more is said than anybody reads"
    assert found.cpu + START_S < MAX_CPU_S
    assert found.mib < MAX_MIB


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len(CASES) >= 60
    assert set(CASES) > COSTLY
    page = Path(__file__).resolve().parents[2] / "docs" / "trust.md"
    assert f"| {len(CASES)} cases |" in page.read_text(encoding="utf-8")


def test_a_crash_would_be_noticed(commands: Commands, tmp_path: Path) -> None:
    """The server reports how a command ends: here, one that is not there."""
    found = commands.run(["--nonsense"], tmp_path)
    assert (found.code, "usage" in found.err) == (2, True)
