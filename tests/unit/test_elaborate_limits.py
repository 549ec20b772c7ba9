"""Hostile programs are refused quickly, and large honest ones are not."""

import time
from pathlib import Path

import pytest

from spec.diagnostics import BudgetError, ElaborationError, LoadError
from spec.elaborate import Budget, Program, elaborate, load_program
from spec.interp import evaluate
from spec.source import Source
from spec.values import Numbers


def program(text: str, numbers: Numbers = Numbers.EXACT, budget: Budget | None = None) -> Program:
    return elaborate(Source("test.rasp", text), numbers, budget=budget)


# ------------------------------------------------------------------------------------------------ depth


def test_a_sum_of_many_terms_does_not_meet_the_recursion_limit() -> None:
    n = 5_000
    made = program("x = " + "+".join(["1"] * n) + "; y = " + "+".join(["indices"] * n) + ";")
    assert made.names["x"] == n
    node = made.sop("y")
    assert evaluate([node], "ab", Numbers.EXACT).values[node] == (0, n)


def test_deep_recursion_of_functions_works_up_to_the_limit_on_calls() -> None:
    text = "def f(n) { return 0 if n == 0 else 1 + f(n - 1); } x = f(2000);"
    assert program(text).names["x"] == 2000
    with pytest.raises(BudgetError, match="nested calls"):
        program("def f(n) { return f(n); } x = f(1);")


def test_deeply_nested_functions_work() -> None:
    depth = 300
    text = "".join(f"def f{i}(x) {{ " for i in range(depth)) + "return x;"
    text += "".join(f"}} return f{i}(x + 1);" for i in reversed(range(1, depth))) + "} x = f0(0);"
    assert program(text).names["x"] == depth - 1


# ------------------------------------------------------------------------------------------------ size

HOSTILE = {
    "power tower": "x = 9^9; y = x^x;",
    "squaring": "x = 3; for i in range(60) { x = x * x; }",
    "string doubling": 'x = "a"; for i in range(60) { x = x + x; }',
    "string repetition": 'x = "a" * 9^9;',
    "list doubling": "x = [1]; for i in range(60) { x = x + x; }",
    "list repetition": "x = [1] * 9^9;",
    "long range": "x = range(9^9^2);",
    "many lists": "x = [range(1000) for i in range(90000)];",
    "kept strings": 'l = [1]; for i in range(99999) { l = [l, "a" * 60000]; }',
    "wide format": 'x = "%99999999d" % 3;',
    "endless recursion": "def f(x) { return f(x + 1); } x = f(1);",
    "exponential recursion": "def f(x) { return x if x < 2 else f(x - 1) + f(x - 2); } x = f(50);",
    "nested loops": "for a in range(9999) { for b in range(9999) { x = a; } }",
    "comparing shared lists": "x = [1]; y = [1]; for i in range(60) { x = [x, x]; y = [y, y]; } z = x == y;",
    "ordering shared lists": "x = [1]; y = [1]; for i in range(60) { x = [x, x]; y = [y, y]; } z = x < y;",
    "naming shared lists": "x = [1]; for i in range(60) { x = [x, x]; } z = tokens in x;",
    "many nodes": "x = indices; for i in range(99999) { x = x + i; y = x * x; }",
    "many tables": "l = range(9999); x = indices; for i in range(9999) { x = (x + i) in l; }",
    "large integers": "x = 3^30000; for i in range(99999) { y = x % (x - i); }",
    "large rationals": "x = 1/3^15000; for i in range(99999) { y = x + 1/7^9000; }",
    "long strings": 'x = "a" * 65000; y = "a" * 64999 + "b"; for i in range(99999) { z = x < y; }',
}
REFUSED_AS_RATIONALS_ONLY = {"large rationals"}
SMALL = Budget(steps=100_000, nodes=10_000, cells=1_000_000)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_program_is_refused_in_time(name: str) -> None:
    start = time.process_time()
    with pytest.raises(ElaborationError) as caught:
        program(HOSTILE[name], Numbers.EXACT, SMALL)
    assert time.process_time() - start < 5
    assert all(len(diagnostic.message) < 5_000 for diagnostic in caught.value.diagnostics)


@pytest.mark.parametrize("name", sorted(HOSTILE.keys() - REFUSED_AS_RATIONALS_ONLY))
def test_a_hostile_program_is_refused_under_doubles_too(name: str) -> None:
    with pytest.raises(ElaborationError):
        program(HOSTILE[name], Numbers.IEEE, Budget(steps=20_000, nodes=2_000, cells=200_000))


def test_a_budget_error_names_the_limit_and_the_place() -> None:
    with pytest.raises(BudgetError) as caught:
        program("x = 1;\ny = [0] * 50;", budget=Budget(items=49))
    diagnostic = caught.value.diagnostics[0]
    assert diagnostic.hint == "the limit is Budget.items"
    assert diagnostic.span is not None
    assert diagnostic.span.location == "test.rasp:2:5"
    assert program("y = [0] * 49;", budget=Budget(items=49)).names["y"] == (0,) * 49


def test_the_library_does_not_count_against_the_budget() -> None:
    assert program("x = 1;", budget=Budget(steps=300)).names["x"] == 1


def test_a_long_program_is_elaborated_quickly() -> None:
    """About as many s-ops as the largest published program."""
    body = "x = selector_width(select(x, indices, ==)) if x > 3 else x + length;"
    start = time.process_time()
    made = program(f"x = indices; for i in range(250) {{ {body} }}")
    assert len(made.graph) > 3000
    assert time.process_time() - start < 3


# ------------------------------------------------------------------------------------------------ loading


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "inner.rasp").write_text("_hidden = 1; shown = indices + _hidden; for i in [7] { j = i; }\n")
    (tmp_path / "other.rasp").write_text('load "lib/inner"; more = shown + 1;\n')
    return tmp_path


def load(folder: Path, text: str, name: str = "main.rasp", budget: Budget | None = None) -> Program:
    (folder / name).write_text(text)
    return load_program(folder / name, Numbers.EXACT, roots=(folder,), budget=budget)


def load_failure(folder: Path, text: str) -> str:
    with pytest.raises(LoadError) as caught:
        load(folder, text)
    assert caught.value.diagnostics[0].span is not None
    return str(caught.value)


def test_a_loaded_file_gives_its_public_names_and_takes_none(folder: Path) -> None:
    made = load(folder, 'secret = 1; load "other"; x = more;')
    assert list(made.names) == ["secret", "shown", "i", "j", "more", "x"]
    (folder / "takes.rasp").write_text("y = secret;")
    with pytest.raises(ElaborationError, match="Undefined variable: secret"):
        load(folder, 'secret = 1; load "takes";')


def test_a_load_in_a_function_defines_names_in_its_scope(folder: Path) -> None:
    made = load(folder, 'def f() { load "lib/inner"; return j; } x = f();')
    assert (list(made.names), made.names["x"]) == (["f", "x"], 7)


def test_a_loaded_file_sees_the_tokens_of_the_base(folder: Path) -> None:
    (folder / "reads.rasp").write_text("y = tokens;")
    made = load(folder, 'tokens = tokens_int; load "reads"; x = tokens;')
    assert made.sop("x") is made.sop("tokens")
    assert made.sop("y") is not made.sop("x")


def test_exit_ends_only_the_file_it_is_in(folder: Path) -> None:
    (folder / "stops.rasp").write_text("a = 1;\nexit\nb = 2;")
    assert list(load(folder, 'load "stops"; c = 3;').names) == ["a", "c"]


def test_a_loaded_file_may_not_assign_a_library_name(folder: Path) -> None:
    (folder / "shadows.rasp").write_text("length = 7;")
    with pytest.raises(ElaborationError, match="Cannot set reserved name: length"):
        load(folder, 'load "shadows";')


def test_files_are_found_in_the_folder_of_the_program_and_then_in_the_current_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "lib" / "main.rasp").write_text('load "inner"; load "other"; x = more;')
    monkeypatch.chdir(folder)
    made = load_program("lib/main.rasp", Numbers.EXACT)
    assert "more" in made.names


@pytest.mark.parametrize("name", ["../outside", "lib/../../outside", "/etc/hostname", "lib\\inner", "c:inner"])
def test_a_path_that_could_leave_the_folder_is_refused(folder: Path, name: str) -> None:
    (folder.parent / "outside.rasp").write_text("x = 1;")
    assert "inside the program's folder" in load_failure(folder, f'load "{name}";')


def test_a_link_that_leaves_the_folder_is_refused(folder: Path) -> None:
    (folder.parent / "outside.rasp").write_text("x = 1;")
    (folder / "link.rasp").symlink_to(folder.parent / "outside.rasp")
    (folder / "inside.rasp").symlink_to(folder / "other.rasp")
    assert "leaves the program's folder" in load_failure(folder, 'load "link";')
    assert "more" in load(folder, 'load "inside";').names


def test_only_regular_text_files_are_read(folder: Path) -> None:
    (folder / "folder.rasp").mkdir()
    (folder / "bytes.rasp").write_bytes(b"\xff\xfe\x00")
    assert "not a regular file" in load_failure(folder, 'load "folder";')
    assert "not UTF-8" in load_failure(folder, 'load "bytes";')
    assert "could not find file: missing.rasp" in load_failure(folder, 'load "missing";')
    long = "a" * 5000
    assert load_failure(folder, f'load "{long}";')


def test_a_large_file_is_refused(folder: Path) -> None:
    (folder / "large.rasp").write_text("# " + "a" * 2000)
    with pytest.raises(LoadError, match="larger than the limit"):
        load(folder, 'load "large";', budget=Budget(file_bytes=1000))


def test_files_that_load_each_other_are_refused_with_the_chain(folder: Path) -> None:
    (folder / "a.rasp").write_text('load "b";')
    (folder / "b.rasp").write_text('load "a";')
    assert "main.rasp -> a.rasp -> b.rasp -> a.rasp" in load_failure(folder, 'load "a";')
    assert "main.rasp -> main.rasp" in load_failure(folder, 'load "main";')


def test_loading_again_and_again_is_refused(folder: Path) -> None:
    for i in range(10):
        (folder / f"f{i}.rasp").write_text(f'load "f{i + 1}"; load "f{i + 1}";')
    (folder / "f10.rasp").write_text("x = 1;")
    with pytest.raises(BudgetError, match="loaded files"):
        load(folder, 'load "f0";')


def test_a_source_without_a_folder_loads_nothing() -> None:
    with pytest.raises(LoadError):
        program('load "other";')
