"""The rows that the proof of value sets looks at are all that there are: by enumeration of all states of all places."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from random import Random

import pytest

pytest.importorskip("torch")

from compiled.certificate.closure.claims import Claims, Work
from compiled.certificate.closure.comparisons import reads
from compiled.certificate.closure.local import Local
from compiled.certificate.closure.outcomes import NOT, Rows
from compiled.certify import claims_of
from compiled.errors import Refused
from compiled.meaning import counting
from compiled.meaning.formula import holds
from compiled.meaning.leaves import INPUT, POSITION, Count, Leaf, Stored
from compiled.meaning.values import Domain
from spec.elaborate import elaborate
from spec.graph import Aggregate, Combine, Indices, Junction, Negate, Select, Selector, SOp, Tokens, topological
from spec.operators import PREDICATE_OP, OperatorError, function
from spec.source import Source
from spec.values import Atom, Numbers, atom_key
from tests.unit.random_attention import attention_program

pytestmark = pytest.mark.torch

State = Mapping[SOp, Atom]
Key = frozenset[tuple[object, ...]]
"""The outcomes of a key: per column what is selected, or None."""
Found = set[tuple[int, tuple[object, ...], frozenset[tuple[Key, int]]]]
"""Place, what is known of the query, and how many keys have which outcomes."""


def analysed(root: SOp, alphabet: Sequence[Atom], length: int, numbers: Numbers) -> Claims:
    domain = Domain(tuple(alphabet), length, numbers)
    counting.definitions([root], domain, split_means=True)
    return claims_of(domain, [root], [])


def values(claims: Claims, leaf: Leaf, place: tuple[int, int]) -> Sequence[Atom]:
    if leaf == INPUT:
        return claims.alphabet
    if leaf == POSITION:
        return (place[1],)
    claim = claims.leaves[leaf]  # type: ignore[index]  # neither input nor position
    return claim.sets[claim.number[place]]


def states(claims: Claims, local: Local, sops: Sequence[SOp], place: tuple[int, int]) -> Iterator[State]:
    """Every combination of values of leaves on which the s-ops have values."""
    leaves = local.leaves(sops)
    for row in product(*(values(claims, leaf, place) for leaf in leaves)):
        found = local.evaluated(sops, leaves, row)
        if found is not None:
            yield dict(zip(sops, found, strict=True))


def selects(selector: Selector, key: State, query: State, numbers: Numbers) -> bool:
    match selector:
        case Select(keys=keys, queries=queries, predicate=predicate):
            return bool(function(PREDICATE_OP[predicate], numbers)(key[keys], query[queries]))
        case Negate(operand=operand):
            return not selects(operand, key, query, numbers)
        case Combine(junction=junction, left=left, right=right):
            both = [selects(left, key, query, numbers), selects(right, key, query, numbers)]
            return all(both) if junction is Junction.AND else any(both)


def outcome(columns: Sequence[Aggregate | Count], key: State, query: State, numbers: Numbers) -> tuple[object, ...]:
    """Raises `OperatorError` where a comparison has no value."""
    found: list[object] = []
    for column in columns:
        if isinstance(column, Count):
            found.append(0 if holds(column.formula, key, query, numbers) else None)
        else:
            found.append(atom_key(key[column.values]) if selects(column.selector, key, query, numbers) else None)
    return tuple(found)


def outcomes(columns: Sequence[Aggregate | Count], pairs: Iterator[tuple[State, State]], numbers: Numbers) -> Key:
    found = set()
    for key, query in pairs:
        try:
            found.add(outcome(columns, key, query, numbers))
        except OperatorError:
            continue
    return frozenset(found)


def every_row(claims: Claims, columns: Sequence[Aggregate | Count], more: Sequence[SOp]) -> Found:
    local = Local(claims, Work(1 << 40))
    keys: set[SOp] = {column.values for column in columns if isinstance(column, Aggregate)}
    queries: set[SOp] = set(more)
    for column in columns:
        on, of = reads(column)
        keys, queries = keys | on, queries | of
    nothing = frozenset({(None,) * len(columns)})
    found: Found = set()
    for number, (m, i) in enumerate(claims.places()):
        for query in states(claims, local, tuple(queries), (m, i)):
            given = tuple(atom_key(query[sop]) for sop in more)
            row: list[Key] = []
            for j in range(m):
                if j == i:
                    both = states(claims, local, tuple(keys | queries), (m, i))
                    same = {sop: atom_key(value) for sop, value in query.items()}
                    pairs = ((one, one) for one in both if all(atom_key(one[sop]) == same[sop] for sop in same))
                else:
                    pairs = ((one, query) for one in states(claims, local, tuple(keys), (m, j)))
                row.append(outcomes(columns, pairs, claims.numbers))
            found.add((number, given, frozenset(Counter(key for key in row if key != nothing).items())))
    return found


def shown_rows(
    claims: Claims, columns: Sequence[Aggregate | Count], more: Sequence[SOp], kinds: Sequence[int]
) -> Found:
    work = Work(1 << 40)
    rows = Rows(claims, Local(claims, work), work, columns, more)
    sets: list[Key] = []
    found: Found = set()
    for row in rows.all(kinds):
        for one in rows.outcomes[len(sets) :]:
            named = (
                tuple(
                    None if number == NOT else 0 if isinstance(column, Count) else atom_key(atoms[number])
                    for column, number, atoms in zip(columns, outcome, rows.atoms, strict=True)
                )
                for outcome in one
            )
            sets.append(frozenset(named))
        keys = Counter(sets[key] for key in row.keys)
        found.add((row.kind, tuple(map(atom_key, row.given)), frozenset(keys.items())))
    return found


def check(root: SOp, claims: Claims) -> None:
    inputs = tuple(node for node in topological([root]) if isinstance(node, Tokens | Indices))
    leaves = [leaf for leaf in claims.leaves if not isinstance(leaf, Stored)]
    groups: list[tuple[Sequence[Aggregate | Count], Sequence[SOp]]] = [((leaf,), ()) for leaf in leaves]
    groups.append((leaves[:3], inputs))
    for columns, more in groups:
        if columns:
            found = every_row(claims, columns, more)
            for kinds in (range(len(claims.places())), [0] * len(claims.places())):
                assert shown_rows(claims, columns, more, kinds) == {(kinds[at], *rest) for at, *rest in found}


@pytest.mark.parametrize("seed", [*range(25), *(pytest.param(s, marks=pytest.mark.slow) for s in range(25, 300))])
def test_all_rows_of_random_programs(seed: int) -> None:
    rng = Random(seed)
    numbers = rng.choice(list(Numbers))
    made = attention_program(rng, numbers, rng.randint(2, 6))
    root = made.roots[0]
    assert isinstance(root, SOp)
    try:
        claims = analysed(root, made.alphabet, 3, numbers)
    except Refused:
        return
    check(root, claims)


PROGRAMS = (
    # comparisons of counts, of positions and of tokens: three blocks
    (
        "w = selector_width(select(tokens, tokens, ==)); "
        "out_ = aggregate(select(w, w, ==) and select(indices, indices, <) and not select(tokens, tokens, ==), tokens);"
    ),
    # a comparison that has no value on some states, beside others
    (
        'x = indices if tokens == "a" else tokens; '
        "out_ = aggregate(select(x, 1, <) or select(indices, indices, <=), indices);"
    ),
    (
        'x = indices if tokens == "a" else tokens; y = aggregate(select(x, 1, <), indices); '
        "out_ = y + aggregate(select(indices, indices, <=), indices);"
    ),
    # what is read is another block than what is compared, or no leaf at all
    "out_ = aggregate(select(indices, indices, <), tokens);",
    "out_ = aggregate(select(1, 1, ==), tokens); b = 2;",
    "out_ = aggregate(select(tokens, tokens, ==), 1);",
)


@pytest.mark.parametrize("text", PROGRAMS)
@pytest.mark.parametrize("numbers", Numbers)
def test_all_rows_of_chosen_programs(text: str, numbers: Numbers) -> None:
    program = elaborate(Source("test.rasp", text.replace("; ", ";\n") + "\n"), numbers)
    root = program.sop("out_")
    check(root, analysed(root, ("a", "b"), 3, numbers))
