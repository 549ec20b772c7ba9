"""The script stage: every construct, against values recorded from the reference implementation."""

from fractions import Fraction

import pytest

from spec.ast import Predicate
from spec.check import check
from spec.diagnostics import ElaborationError, ParseError, UsageError
from spec.elaborate import Program, elaborate
from spec.graph import Aggregate, Constant, Indices, Map, Negate, Select, SOp
from spec.interp import evaluate
from spec.operators import Op
from spec.script.errors import Failure, ScriptError
from spec.script.values import Applied, Function, SelectorValue, SOpValue, Value
from spec.source import Source
from spec.values import Atom, Numbers


def program(text: str, numbers: Numbers = Numbers.IEEE, *, interning: bool = True) -> Program:
    made = elaborate(Source("test.rasp", text), numbers, interning=interning)
    if interning:
        check(made.graph)
    return made


def value(expression: str, numbers: Numbers = Numbers.IEEE, before: str = "") -> Value:
    return program(f"{before} x = {expression};", numbers).names["x"]


def row(expression: str, tokens: str = "hello", numbers: Numbers = Numbers.IEEE, before: str = "") -> list[Atom]:
    node = program(f"{before} x = {expression};", numbers).sop("x")
    return list(evaluate([node], tokens, numbers).values[node])


def failure(text: str) -> ScriptError:
    with pytest.raises(ScriptError) as caught:
        program(text)
    return caught.value


def same(left: object, right: object) -> bool:
    """Equal, and of equal types: `1`, `True` and `1.0` differ."""
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right


ATOMS = [
    # precedence: prefix operators bind tightest, ^ is left associative, % is below * and /
    ("-2^2", 4),
    ("2^3^2", 64),
    ("2^-1", 0.5),
    ("7%4*2", 7),
    ("10-3-2", 5),
    ("not 1==2", False),
    ("3>2>1", False),
    ("True or True and False", False),
    ("1 if True else 2 if False else 3", 3),
    ("3 if 1 else 4 in [3]", True),
    ("2 in [1,2] and [2]", True),
    ("not 1 in [False]", True),
    # Python's operators
    ("3 and 4", 4),
    ("0 and 4", 0),
    ("3 or 4", 3),
    ("[] or 5", 5),
    ("6/3", 2.0),
    ("-7%3", 2),
    ("7%-3", -2),
    ("True+True", 2),
    ("round(2.5)", 2),
    ("round(0.5)", 0),
    ("round(3)", 3),
    ("+True", 1),
    ('"a"+"b"', "ab"),
    ('3*"ab"', "ababab"),
    ('"a"=="b"', False),
    ("1==True", True),
    ('1=="1"', False),
    ('"a"<"b"', True),
    ("[1]+[2,3]", (1, 2, 3)),
    ("2*[1]", (1, 1)),
    ("[1]*-1", ()),
    ("[1]*True", (1,)),
    ("[1,2]==[1,2.0]", True),
    ("[1,2]==[1]", False),
    ("[1,2]<[1,3]", True),
    ("[1]<[1,0]", True),
    ("[[1],2]>=[[1],2]", True),
    ("{1:2}=={True:2.0}", True),
    ("{1:2}=={1:3}", False),
    ('"n=%s" % 3', "n=3"),
    # collections
    ("range(3)", (0, 1, 2)),
    ("range(1,4)", (1, 2, 3)),
    ("range(5,0,-2)", (5, 3, 1)),
    ("range(True)", (0,)),
    ("zip([1,2],[3,4])", ((1, 3), (2, 4))),
    ("len([1,[2,3]])", 2),
    ("[1,2,3][-1]", 3),
    ("[1,2,3][True]", 2),
    ('"abc"[1]', "b"),
    ('{"a":1, 2:3}[2.0]', 3),
    ("2 in [1,2]", True),
    ("2.0 in [1,2]", True),
    ('"2" in [1,2]', False),
    ("[i*i for i in range(3)]", (0, 1, 4)),
    ("[a+b for a,b in [[1,2],[3,4]]]", (3, 7)),
    ('[k for k in {"a":1,"b":2}]', ("a", "b")),
    ("{i:i+1 for i in range(2)}[1]", 2),
    ('[a+b for a,b in ["xy","zw"]]', ("xy", "zw")),
    ("[1 if i else 2 for i in [0,1]]", (2, 1)),
]


@pytest.mark.parametrize(("text", "expected"), ATOMS)
def test_script_values_are_those_of_the_reference(text: str, expected: object) -> None:
    assert same(value(text), expected)


ROWS = [
    ("1<indices<3", "hello", [True] * 5),
    ("indices*3", "hey", [0, 3, 6]),
    ("3<indices", "hello", [False, False, False, False, True]),
    ("3-indices", "abc", [3, 2, 1]),
    ("2^indices", "abc", [1, 2, 4]),
    ('"a"+tokens', "bc", ["ab", "ac"]),
    ('tokens*(tokens=="l")', "hello", ["", "", "l", "l", ""]),
    ("not indices", "abc", [True, False, False]),
    ('not tokens == "h"', "he", [False, False]),
    ("indices and 1", "abc", [False, True, True]),
    ("indices or 0", "abc", [False, True, True]),
    ("indices/2", "abc", [0.0, 0.5, 1.0]),
    ("indices%2", "abc", [0, 1, 0]),
    ("-indices", "abc", [0, -1, -2]),
    ("round(indices/2)", "abcd", [0, 0, 1, 2]),
    ("indicator(tokens)", "ab", [1, 1]),
    ('indicator(tokens=="a")', "ab", [1, 0]),
    ("1 if indices else 2", "abc", [2, 1, 1]),
    ('tokens if indices<1 else "-"', "abc", ["a", "-", "-"]),
    ('tokens in ["a","c"]', "abc", [True, False, True]),
    ('"b" in tokens', "abc", [True, True, True]),
    ('"z" in tokens', "abc", [False, False, False]),
    ("tokens==[1]", "ab", [False, False]),
    ("tokens[1]", "abc", ["b", "b", "b"]),
    ("tokens[-1]", "abc", ["c", "c", "c"]),
    ("indices[9]", "abc", [0, 0, 0]),
    ("indices[True]", "abc", [1, 1, 1]),
    ("[3,1,2][indices]", "abc", [3, 1, 2]),
    ('"xyz"[indices]', "abc", ["x", "y", "z"]),
    ('{"a":1,"b":2}[tokens]', "aba", [1, 2, 1]),
    ("aggregate(full_s,1)", "a", [1]),
    ("aggregate(full_s,1)", "ab", [1.0, 1.0]),
    ("aggregate(select(indices,indices-1,==),indices)", "abc", [0, 0, 1]),
    ('aggregate(select(indices,indices-1,==),tokens,"-")', "abc", ["-", "a", "b"]),
    ('aggregate(select(indices,indices-1,==),tokens=="h")', "hhe", [0, True, True]),
    ("aggregate(select(indices,1,<=),indices)", "abc", [0.5, 0.5, 0.5]),
    ("aggregate(not select(indices,indices,<),indices)", "abc", [1.0, 1.5, 2]),
    ("aggregate(select(indices,indices,!=),indices)", "abc", [1.5, 1.0, 0.5]),
    ("aggregate(select(indices,0,==) or select(indices,1,==), indices)", "abc", [0.5, 0.5, 0.5]),
    ("aggregate(select(indices,1,>=) and select(indices,1,<=), indices)", "abc", [1, 1, 1]),
    ("tokens_int+1", "12", [2, 3]),
    ("tokens_asis", "ab", ["a", "b"]),
]


@pytest.mark.parametrize(("text", "tokens", "expected"), ROWS)
def test_s_ops_compute_what_the_reference_computes(text: str, tokens: str, expected: list[Atom]) -> None:
    assert same(row(text, tokens), expected)


SELECT_IN_LIST = (
    "don't check if select is contained in list/dict: unless exact same instance, "
    "unable to check equivalence of selects"
)
ERRORS = [
    ("x = y;", Failure.UNDEFINED, "Error: Undefined variable: y"),
    ("get = 3;", Failure.RESERVED, "Error: Cannot set reserved name: get"),
    ("out = 3;", Failure.RESERVED, "Error: Cannot set reserved name: out"),
    ("tokens_int = 3;", Failure.RESERVED, "Error: Cannot set reserved name: tokens_int"),
    ("True = 3;", Failure.RESERVED, "Error: Cannot set reserved name: True"),
    ("length = 7;", Failure.RESERVED, "Error: Cannot set reserved name: length"),
    ("def max(a,b) { return a; }", Failure.RESERVED, "Error: Cannot set reserved name: max"),
    ("for indices in [1] { x = 1; }", Failure.RESERVED, "Error: Cannot set reserved name: indices"),
    ("def f(indices) { return 1; } x = f(1);", Failure.RESERVED, "Error: Cannot set reserved name: indices"),
    ("def f(a,b) { return a; } x = f(1);", Failure.ARGUMENTS, "wrong number of args for f- expected: 2, got: 1."),
    ("x = indices(1,2);", Failure.ARGUMENTS, "wrong number of args for evaluate unfinished- expected: 1, got: 2."),
    ("x = indices(1);", Failure.TYPE, "Applying unfinished expects iterable input, got: 1"),
    ('x = 1("hi");', Failure.NOT_IMPLEMENTED, "1 cannot be called"),
    ("x = aggregate(1,indices);", Failure.TYPE, "Expected selector, got: 1"),
    ("x = aggregate(full_s,indices,indices);", Failure.TYPE, "Expected atom, got: indices"),
    ("x = full_s and True;", Failure.TYPE, "Cannot apply and/or between selector and non-selector"),
    ("x = full_s or indices;", Failure.TYPE, "Cannot apply and/or between selector and non-selector"),
    ("x = full_s + 1;", Failure.TYPE, "Cannot apply + to selector(s)"),
    ("x = indicator(1);", Failure.TYPE, "indicator operator expects s-op, got: 1"),
    ("x = [1][5];", Failure.VALUE, "index 5 out of range for list of length 1"),
    ('x = "ab"[-3];', Failure.VALUE, "index -3 out of range for string of length 2"),
    ('x = {1:2}["a"];', Failure.VALUE, 'index [ "a" ] not in dict.'),
    ("x = [1][1.0];", Failure.TYPE, "index into list has to be s-op or integer, got: 1.0"),
    (
        "x = {1:2}[[1]];",
        Failure.TYPE,
        "index into dict has to be s-op or atom (i.e., string, int, float, bool), got: [1]",
    ),
    ("x = indices[indices];", Failure.VALUE, "index into sequence has to be integer, got: indices"),
    ("x = 5[0];", Failure.TYPE, "can only index into a list, dict, string,or sequence, but instead got: 5"),
    ("x = {[1]:2};", Failure.TYPE, "dictionary keys can only be atoms, but instead got: [1]"),
    ("for a,b in [[3]] { x = a; }", Failure.TYPE, "iterating with 2 names but got 1 values ( [3] )"),
    (
        "for a,b in [3] { x = a; }",
        Failure.TYPE,
        "iterating with multiple iterator names, but got single iterator value: 3",
    ),
    ("for a in 5 { x = a; }", Failure.TYPE, "for loop needs to iterate over a list or dict, but got: 5"),
    (
        "x = [a for a in tokens];",
        Failure.TYPE,
        "list comprehension should have got a list or dict to loop over, but got: <s-op tokens>",
    ),
    ("a,b = [1,2,3];", Failure.TYPE, "expected 2 values, but got: 3"),
    ("a,b = 5;", Failure.PYTHON, "object of type 'int' has no len()"),
    ("x = range(1.0);", Failure.TYPE, "range expects all integer inputs, but got: [1.0]"),
    ("x = range(1,2,3,4);", Failure.TYPE, "wrong number of inputs to range, expected: 1, 2, or 3, got: 4"),
    ("x = range(1,2,0);", Failure.PYTHON, "range() arg 3 must not be zero"),
    ("x = zip([1],[1,2]);", Failure.TYPE, "attempting to zip lists of length 1 , but 2 -th list has length 2"),
    ('x = zip("ab");', Failure.TYPE, 'attempting to zip lists, but 1 -th element is not list: "ab"'),
    ('x = len("ab");', Failure.TYPE, 'attempting to compute length of non-list: "ab"'),
    ('x = 1 in "ab";', Failure.TYPE, '"[atom] in X" expects X to be list or s-op, but got: "ab"'),
    ("x = tokens in 5;", Failure.TYPE, '"[s-op] in X" expects X to be list of atoms, but got non-list: 5'),
    (
        "x = tokens in [[1]];",
        Failure.TYPE,
        '"[s-op] in X" expects X to be list of atoms, but got list with values: [[1]]',
    ),
    ("x = [1] in [1];", Failure.TYPE, '"A in X" expects A to be s-op or atom, but got A: [1]'),
    (
        "x = full_s in [1];",
        Failure.TYPE,
        SELECT_IN_LIST,
    ),
    ("x = 1/0;", Failure.PYTHON, "division by zero"),
    ('x = 1+"a";', Failure.PYTHON, "unsupported operand type(s) for +: 'int' and 'str'"),
    ('x = -"a";', Failure.PYTHON, "bad operand type for unary -: 'str'"),
    ('x = round("a");', Failure.PYTHON, "type str doesn't define __round__ method"),
    ("draw(full_s);", Failure.TYPE, "draw expects unfinished sequence, got: <selector full_s>"),
    ('load "x";', Failure.LOAD, "could not find file: x.rasp"),
]


@pytest.mark.parametrize(("text", "family", "message"), ERRORS)
def test_errors_have_the_family_and_the_text_of_the_reference(text: str, family: Failure, message: str) -> None:
    error = failure(text)
    assert (error.failure, error.message) == (family, message)
    assert error.diagnostics[0].span is not None


@pytest.mark.parametrize(
    "text",
    [
        "tokens or [1]",
        "aggregate(full_s,[1])",
        "aggregate(full_s,1,[1])",
        "select([1],indices,==)",
        "1 if full_s else 2",
        "[1] if indices else 2",
        "[[1]][indices]",
        "{1:indices}[indices]",
    ],
)
def test_a_sequence_of_something_other_than_atoms_is_refused(text: str) -> None:
    error = failure(f"x = {text};")
    assert error.failure is Failure.TYPE
    assert error.message.startswith("attempted to create sequence with illegal val types")


@pytest.mark.parametrize(
    "text", ["indices+[1]", "[1]*indices", "full_s == full_s", '"%s" % tokens', "1 in [indices]", "-full_s"]
)
def test_operators_without_a_meaning_on_s_ops_are_refused(text: str) -> None:
    assert failure(f"x = {text};").failure in (Failure.PYTHON, Failure.TYPE)


# ------------------------------------------------------------------------------------------------ names and scopes


def test_a_function_sees_later_definitions_of_the_names_it_uses() -> None:
    assert value("f()", before="a = 1; def f() { return a; } a = 2;") == 2


def test_assignments_in_a_function_stay_in_it() -> None:
    assert value("[f(), a]", before="a = 1; def f() { a = 5; return a; }") == (5, 1)


def test_functions_are_values_and_recurse() -> None:
    before = "def fact(n) { return 1 if n == 0 else n * fact(n-1); } def twice(f,x) { return f(f(x)); }"
    assert value("twice(fact, 3)", before=before) == 720
    assert value("[fact][0](4)", before=before) == 24


def test_an_inner_function_keeps_the_scope_it_was_defined_in() -> None:
    before = "def adder(n) { def add(x) { return x + n; } return add; } n = 100;"
    assert value("adder(1)(2)", before=before) == 3


def test_the_last_of_two_equal_parameter_names_wins() -> None:
    assert value("f(1,2)", before="def f(a,a) { return a; }") == 2


def test_the_iterators_of_a_loop_remain_and_those_of_a_comprehension_do_not() -> None:
    assert program("for i in [1,2] { y = i; }").names["i"] == 2
    assert failure("x = [j for j in [1]]; y = j;").failure is Failure.UNDEFINED


def test_several_results_and_several_values_are_lists() -> None:
    assert value("f()", before="def f() { return 1,2; }") == (1, 2)
    names = program('a = 1,2; b,c = a; d,e = {5:6,7:8}; f,g = 1,2; h,i = "xy";').names
    assert dict(names) == {"a": (1, 2), "b": 1, "c": 2, "d": 5, "e": 7, "f": 1, "g": 2, "h": "x", "i": "y"}


def test_a_ternary_on_an_atom_is_lazy_and_on_an_s_op_is_not() -> None:
    assert value("1 if True else 1/0") == 1
    assert failure("x = 1 if indices else 1/0;").message == "division by zero"


def test_library_names_may_be_shadowed_where_they_are_local() -> None:
    assert value("f(3)", before="def f(max) { length = max; return length; }") == 3


def test_a_negative_index_reads_the_length_of_its_scope() -> None:
    assert row("f()", "abcd", before="def f() { length = indices - indices + 3; return tokens[-1]; }") == ["c"] * 4
    assert failure("def f() { length = 3; return tokens[-1]; } x = f();").failure is Failure.PYTHON


def test_tokens_may_be_assigned() -> None:
    assert row("tokens + 1", "12", before="tokens = tokens_int;") == [2, 3]


def test_out_is_the_last_value_of_any_part_of_an_expression() -> None:
    assert program("7; x = out + 1; y = 1 + out;").names["x"] == 8
    assert program("7; y = 1 + out;").names["y"] == 2


def test_an_application_is_only_something_to_print() -> None:
    assert isinstance(value('indices("abc")'), Applied)
    assert failure('x = indices("abc") + 1;').failure is Failure.PYTHON


def test_prompt_commands_and_drawing_do_not_change_a_program() -> None:
    text = 'set example "abc"\nshow example\nexamples off\nfull seq display on\ndraw(indices, "abc"); x = indices+1;'
    assert list(program(text).names) == ["x"]


def test_exit_ends_the_program() -> None:
    assert list(program("x = 1;\nexit\ny = 2;").names) == ["x"]


# ------------------------------------------------------------------------------------------------ the graph


def test_equal_requests_give_one_node_and_each_its_own_without_interning() -> None:
    text = "a = indices + 1; b = indices + 1; c = select(a,b,==); d = select(a,b,==);"
    merged, apart = program(text), program(text, interning=False)
    assert merged.sop("a") is merged.sop("b")
    assert merged.selector("c") is merged.selector("d")
    assert apart.sop("a") is not apart.sop("b")
    assert apart.selector("c") is not apart.selector("d")


def test_one_object_under_two_names_is_one_node_even_without_interning() -> None:
    made = program("a = indices + 1; b = a; c = indices; d = indices[0] + indices;", interning=False)
    assert made.sop("a") is made.sop("b")
    assert sum(isinstance(node, Indices) for node in made.graph) == 1


def test_a_reflected_comparison_is_turned_around_as_in_the_reference() -> None:
    node = program("x = 3 < indices;").sop("x")
    assert isinstance(node, Map)
    assert node.op is Op.GT
    assert isinstance(node.args[0], Indices)


def test_select_keeps_keys_and_queries_apart() -> None:
    node = program("x = select(tokens, 1, <);").selector("x")
    assert isinstance(node, Select)
    assert node.predicate is Predicate.LT
    assert not isinstance(node.keys, Constant)
    assert isinstance(node.queries, Constant)


def test_the_default_of_an_aggregate_is_the_integer_zero() -> None:
    node = program("x = aggregate(full_s, tokens);").sop("x")
    assert isinstance(node, Aggregate)
    assert same(node.default, 0)


def test_negation_of_a_selector_is_a_node() -> None:
    assert isinstance(program("x = not full_s;").selector("x"), Negate)


def test_a_doubling_chain_is_linear_in_the_graph() -> None:
    text = "def d(x) { return x+x; } y = indices; for i in range(40) { y = d(y); }"
    made = program(text)
    assert len(made.graph) < 100
    node = made.sop("y")
    assert evaluate([node], "ab", Numbers.IEEE).values[node] == (0, 2**40)


def test_nodes_point_at_the_text_of_the_user_even_when_the_library_made_them() -> None:
    text = "a = tokens;\nwidth = selector_width(select(a, a, ==));\nshare = width / 2;\n"
    made = program(text)
    spans = made.graph.spans
    assert spans[made.sop("width")].text == "selector_width(select(a, a, ==))"
    assert spans[made.sop("share")].text == "width / 2"
    assert spans[made.sop("share")].line == 3


def test_an_error_in_the_library_points_at_the_call() -> None:
    error = failure("x = has_focus(1);")
    span = error.diagnostics[0].span
    assert span is not None
    assert (span.source.name, span.text) == ("test.rasp", "has_focus(1)")
    assert error.render().splitlines()[-1].endswith("^" * len("has_focus(1)"))


def test_exact_literals_are_rationals_and_ieee_ones_are_doubles() -> None:
    assert value("0.1 + 0.2 == 0.3", Numbers.EXACT) is True
    assert value("0.1 + 0.2 == 0.3", Numbers.IEEE) is False
    assert same(value("1/3", Numbers.EXACT), Fraction(1, 3))
    assert same(value("6/3", Numbers.EXACT), Fraction(2))


def test_an_s_op_that_cannot_succeed_is_worth_one_warning() -> None:
    made = program("x = tokens_str + 1;\ny = x * 2;")
    (warning,) = made.warnings
    assert warning.span is not None
    assert warning.span.text == "tokens_str + 1"
    assert not program("x = tokens_asis + 1;").warnings


# ------------------------------------------------------------------------------------------------ the program


def test_names_are_in_the_order_of_definition_with_private_ones_and_without_out() -> None:
    made = program("b = 1; a = indices; _c = full_s; 5; b = 2; def f() { return 1; }")
    assert list(made.names) == ["b", "a", "_c", "f"]
    assert list(made.sops()) == ["a"]
    assert list(made.selectors()) == ["_c"]
    assert isinstance(made.names["f"], Function)


def test_the_library_and_the_builtins_can_be_asked_for() -> None:
    made = program("x = 1;")
    assert kinds_of(made.sop("indices")) == {"int"}
    assert isinstance(made.sop("length"), Map)
    assert isinstance(made.selector("full_s"), Select)


def kinds_of(node: SOp) -> set[str]:
    return {kind.value for kind in node.kinds}


def test_definitions_have_places() -> None:
    made = program("a = 1;\nb = 2;\na = indices;\ndef f() { return 1; }")
    span = made.definition_span("a")
    assert span is not None
    assert (span.line, span.text) == (3, "a")
    assert made.definition_span("length") is None


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("resul", "test.rasp does not define `resul`", "did you mean result?"),
        ("sel", "`sel` is not an s-op: its type is selector", None),
        ("f", "`f` is not an s-op: its type is function", None),
        ("k", "`k` is not an s-op: its type is int", None),
    ],
)
def test_asking_for_the_wrong_name_says_what_is_there(name: str, message: str, hint: str | None) -> None:
    made = program("result = indices; sel = full_s; k = 3; def f() { return 1; }")
    with pytest.raises(UsageError) as caught:
        made.sop(name)
    diagnostic = caught.value.diagnostics[0]
    assert diagnostic.message == message
    if hint is not None:
        assert diagnostic.hint == hint


def test_an_undefined_variable_suggests_a_near_one() -> None:
    hint = failure("lenght;").diagnostics[0].hint
    assert hint == "did you mean length?"


def test_the_first_error_ends_the_program() -> None:
    error = failure("a = 1;\nb = nope;\nc = also_nope;")
    assert [d.message for d in error.diagnostics] == ["Error: Undefined variable: nope"]
    assert error.diagnostics[0].span is not None
    assert error.diagnostics[0].span.location == "test.rasp:2:5"


def test_a_text_that_does_not_parse_is_a_parse_error() -> None:
    with pytest.raises(ParseError):
        program("x = ;")


# ------------------------------------------------------------------------------------------------ display names


NAMES = [
    ('tokens + "a"', "( tokens + a )"),
    ("3 < indices", "( indices > 3 )"),
    ('"a" == tokens', "( tokens == a )"),
    ("3 + indices", "( 3 + indices )"),
    ("2 ^ indices", "( 2 pow indices )"),
    ("-indices", "( - indices )"),
    ("not indices", "( not indices )"),
    ("round(indices)", "( round indices )"),
    ("indices and True", "( indices and True)"),
    ("indicator(indices)", "I(indices)"),
    ("3 if indices else 4", "3 if indices else 4"),
    ("indices[0]", "indices[0]"),
    ("indices[-1]", "indices[-1]"),
    ("d[tokens]", "d[tokens]"),
    ('{"a":1}[tokens]', "out[tokens]"),
    ('d[tokens+"a"]', "d[out]"),
    ('tokens in ["a", 1]', "tokens in ['a', 1]"),
    ("tokens in l", "tokens in l"),
    ("1 in tokens", "( s-op > 0 )"),
    ("f(indices, 2)", "f(indices , 2)"),
    ('f("ab", tokens)', 'f("ab" , tokens)'),
    ("f([1,2,3,4,5,6,7,8], tokens)", "f((list) , tokens)"),
    ("f([1,2], tokens)", "f([1, 2] , tokens)"),
    ("f({1:2,3:4,5:6,7:8,9:0}, tokens)", "f((dict) , tokens)"),
    ("aggregate(full_s, indices)", "s-op"),
    ("select(1, 1, ==)", "plain select"),
    ("not full_s", "plain select"),
    ("indices + 1 + 1 + 1 + 1 + 1 + 1 + 1", "s-op"),
]


@pytest.mark.parametrize(("text", "name"), NAMES)
def test_derived_names(text: str, name: str) -> None:
    before = 'd = {"a":1}; l = ["a"]; def f(a,b) { return aggregate(full_s, indices); }'
    (found,) = (value(f"[{text}]", before=before) or [None],)
    assert isinstance(found, tuple)
    assert isinstance(found[0], (SOpValue, SelectorValue))
    assert found[0].name == name


def test_an_assignment_renames_the_object_itself() -> None:
    made = program("x = indices; y = [indices + 1];")
    (shown,) = made.names["y"] if isinstance(made.names["y"], tuple) else ()
    assert isinstance(shown, SOpValue)
    assert shown.name == "( x + 1 )"


def test_elaboration_errors_are_one_family() -> None:
    with pytest.raises(ElaborationError):
        program("x = y;")
