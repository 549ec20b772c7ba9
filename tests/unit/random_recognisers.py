"""Random counting programs as RASP text, and claims about inputs of every length, for comparisons with brute force.

Everything comes from a `random.Random`, so that a seed names a case. Half of the cases are put together freely, and
most of their claims are false somewhere; the other half are recognisers with a language that may be theirs, so that
many claims hold for every length and need an inductive invariant.
"""

import re
from random import Random
from typing import Final

_MASKS: Final = (
    *("select(indices, indices, <=)",) * 3,
    *("select(indices, indices, <)",) * 2,
    "full_s",
    "select(indices, indices, >)",
    "select(indices, indices, >=)",
    "select(indices, indices, !=)",
    "select(indices, indices, ==)",
    "select(tokens, tokens, ==)",
)
_SELECTORS: Final = (
    "select({b}, True, ==)",
    "({s} and {t})",
    "({s} and {t})",
    "({s} or {t})",
    "(not {s})",
    "select({x}, {y}, {o})",
    "select({x}, {k}, {o})",
    "select(indices, indices - {c}, ==)",
    "select({b}, {d}, ==)",
)
_NUMBERS: Final = (
    *("selector_width({m} and select({b}, True, ==))",) * 3,
    "selector_width({s})",
    "aggregate({s}, indicator({b}))",
    "aggregate({m}, indicator({b}))",
    "aggregate({s}, indicator({b}), {c})",
    "aggregate({s}, {x}, {k})",
    "({x} + {y})",
    "({x} - {y})",
    "({c} * {x})",
    "({x} % {c})",
    "indicator({b})",
    "({x} if {b} else {y})",
    "round({x})",
)
_TRUTHS: Final = (
    "({x} {o} {y})",
    "({x} {o} {k})",
    "({x} == {y})",
    "({b} and {d})",
    "({b} or {d})",
    "(not {b})",
    "has_focus({s})",
    "has_focus({m} and select({b}, True, ==))",
    "(aggregate(select(indices, indices - {c}, ==), indicator({b}), 0) == 1)",
    "(aggregate({m}, indicator({b})) {o} aggregate({m}, indicator({d})))",
)
_TEXTS: Final = (
    'aggregate(select(indices, indices - {c}, ==), tokens, "-")',
    "aggregate(select(indices, length - 1 - indices, ==), tokens)",
    "aggregate(select(indices, (indices + {c}) % length, ==), {w})",
    'aggregate(select(indices, {x}, ==), {w}, "-")',
    '("a" if {b} else {w})',
)
_LANGUAGES: Final = (
    "/a*b*/",
    "/(ab)*/",
    "/.*a.*/",
    "/a.*/",
    "/.*b/",
    "/(aa)*/",
    "/.*aa.*/",
    "/(b*ab*a)*b*/",
    "/a*/",
    "/(a|b){0,6}/",
    'dyck("ab")',
    'prefixes(dyck("ab"))',
    "prefixes(/(ab)*/)",
)
_COMPARED: Final = ("==", "!=", "<", "<=", ">", ">=")
_CLAIMS: Final = {
    "x": (
        "{x}[{i}] {o} {y}[{i}]",
        "{x}[{i}] {o} {far}",
        "{x}[{i}] >= 0",
        "{x}[{i}] <= n",
        '{x}[{i}] {o} count(prefix(tokens, {i}), "a")',
        '{x}[{i}] {o} count(tokens, "a")',
        "{x}[{i}] {o} count(tokens, tokens[{i}])",
        "{x}[{i}] % 2 == {k}",
        "(exists j: {x}[j] {o} {k})",
        "(forall j in 0..{i}: {x}[j] {o} {far})",
        "count({x} == 1) {o} {far}",
    ),
    "b": (
        "{b}[{i}]",
        "({b}[{i}] {e} {d}[{i}])",
        "({b}[{i}] {e} prefix(tokens, {i}) in {l})",
        "({b}[{i}] {e} tokens in {l})",
        '({b}[{i}] {e} exists j in 0..{i}: tokens[j] == "a")',
        '({b}[{i}] {e} 2 * count(prefix(tokens, {i}), "a") {o} {i} + 1)',
        '({b}[{i}] {e} count(tokens, "a") {o} {far})',
        "({b}[{i}] {e} (exists j: {d}[j]))",
        "({b}[{i}] {e} {i} {o} {far})",
        "count({b}) {o} {far}",
        "({i} > 0 => ({b}[{i}] {e} {d}[{i} - 1]))",
    ),
    "w": (
        "{w}[{i}] == tokens[{i}]",
        '{w}[{i}] != "-"',
        "{w}[{i}] in tokens",
        "({i} > 0 => {w}[{i}] == tokens[{i} - 1])",
        "{w}[{i}] == tokens[n - 1 - {i}]",
    ),
}


def free_case(rng: Random) -> tuple[str, str]:
    """A program with a few definitions, and a contract with one claim; both empty where there is nothing to say."""
    letters = rng.choice(("ab", "ab", "abc"))
    numbers, texts, selectors = ["indices", "length", "(length - 1 - indices)", "1"], ["tokens"], list(_MASKS)
    truths, lines = [f'(tokens == "{letter}")' for letter in letters], list[str]()

    def some(names: list[str]) -> str:
        return names[-1] if rng.random() < 0.35 else rng.choice(names)

    for number in range(rng.randint(2, 6)):
        kinds = (("q", _SELECTORS, selectors), ("x", _NUMBERS, numbers), ("b", _TRUTHS, truths), ("w", _TEXTS, texts))
        (kind, forms, made) = rng.choices(kinds, (22, 28, 40, 10))[0]
        parts = {"x": some(numbers), "y": some(numbers), "b": some(truths), "d": some(truths), "w": some(texts)}
        parts |= {"s": some(selectors), "t": some(selectors), "m": rng.choice(_MASKS), "o": rng.choice(_COMPARED)}
        parts |= {"c": rng.choice("1123"), "k": rng.choice("001123")}
        lines.append(f"{kind}{number} = {rng.choice(forms).format(**parts)};")
        made.append(f"{kind}{number}")
    named = {"x": numbers[4:], "b": truths[len(letters) :], "w": texts[1:]}
    known = {kind: names for kind, names in named.items() if names}
    if not known:
        return "", ""
    scope = f"scope lengths={rng.choice(('any', 'any', '2..any'))} alphabet={letters}"
    given = [f"requires r: {_truth(rng, known, rng.choice(('0', 'n - 1')))}"] if rng.random() < 0.12 else []
    return "\n".join(lines), "\n".join([scope, *given, _claim(rng, known)])


def _truth(rng: Random, known: dict[str, list[str]], place: str) -> str:
    kind = rng.choice(list(known))
    names = known[kind]
    parts = {"x": rng.choice(names), "y": rng.choice(names), "o": rng.choice(_COMPARED), "i": place}
    parts |= {"b": rng.choice(names), "d": rng.choice(names), "w": rng.choice(names), "l": rng.choice(_LANGUAGES)}
    parts |= {"k": rng.choice("01"), "far": rng.choice("0123456"), "e": rng.choice(("<=>", "=>"))}
    return rng.choice(_CLAIMS[kind]).format(**parts)


def _claim(rng: Random, known: dict[str, list[str]]) -> str:
    draw, names = rng.random(), known[rng.choice(list(known))]
    if draw < 0.65:
        body = _truth(rng, known, "i")
        if rng.random() < 0.35:
            body = f"({body}) {rng.choice(('and', 'or', '=>'))} ({_truth(rng, known, 'i')})"
        return f"ensures x: forall i: {body}"
    if draw < 0.78:
        return f"ensures x: {_truth(rng, known, rng.choice(('n - 1', '0')))}"
    if draw < 0.88 and "b" in known:
        return f"accepts x: {rng.choice(known['b'])}[{rng.choice(('n - 1', '0'))}] iff {rng.choice(_LANGUAGES)}"
    if draw < 0.94:
        return f"equiv x: {rng.choice(names)} == {rng.choice(names)}"
    if draw < 0.97:
        return f"causal x: {rng.choice(names)}"
    transform = rng.choice(("permutation", "reversal", "renaming"))
    return f"{rng.choice(('invariant', 'equivariant'))} x: {rng.choice(names)} under {transform}"


# --- recognisers --------------------------------------------------------------------------------------------------

_COUNTED: Final = """
upto = select(indices, indices, <=);
na = selector_width(upto and select(tokens, "a", ==));
nb = selector_width(upto and select(tokens, "b", ==));
before = aggregate(select(indices, indices - 1, ==), indicator(tokens == "a"), {first});
bad = {bad};
q = selector_width(upto and select(bad, True, ==)) {allowed} and {end};
"""
_BAD: Final = (
    ("na < nb", 'prefixes(dyck("ab"))'),
    ("na < nb or na > nb + 2", "/(a(ab)*b)*(a(ab)*a?)?/"),
    ("na < nb or na > nb + 1", "/(ab)*a?/"),
    ('tokens == "a" and nb > 0', "/a*b*/"),
    ('tokens == "b" and na == 0', "/(a.*)?/"),
    ('tokens == "a" and before == 1', "/(b|ab)*a?/"),
    ('tokens == "b" and before == 1', "/b*a*/"),
    ('tokens == "a" and na % 2 == 0 and nb > 0', "/(b*ab*ab*)*/"),
    ('(tokens == "a") == (indices % 2 == 1)', "/(ab)*a?/"),
    ('tokens == "a"', "/b*/"),
)
_ENDS: Final = (
    ("True == True", "/.*/"),
    ("na == nb", 'dyck("ab")'),
    ("na % 2 == 0", "/(b*ab*a)*b*/"),
    ("na % 3 == 1", "/b*a(b*ab*ab*a)*b*/"),
    ("indices % 2 == 1", "/(..)*/"),
    ("na > nb", "/.*a.*/"),
    ("nb > 1", "/a*ba*b.*/"),
)


def recogniser_case(rng: Random) -> tuple[str, str]:
    """A recogniser by counting, and a language that may be the one of it, or a relation with another recogniser."""
    (bad, language), (end, other) = rng.choice(_BAD), rng.choice(_ENDS[:1] * 3 + _ENDS)
    (bad2, _), (end2, _) = rng.choice(_BAD), rng.choice(_ENDS)
    parts = {"bad": bad, "end": end, "allowed": rng.choice(("== 0",) * 4 + ("<= 1",)), "first": rng.choice("00002")}
    text = _COUNTED.format(**parts)
    second = _COUNTED.format(**{**parts, "bad": rng.choice((bad, bad2)), "end": rng.choice((end, end2))})
    for name in ("upto", "na", "nb", "before", "bad", "q"):
        second = re.sub(rf"\b{name}\b", f"{name}2", second)
    wanted = rng.choice((language, language, other, rng.choice(_LANGUAGES)))
    claim = rng.choice(
        (
            f"accepts x: q[n - 1] iff {wanted}",
            f"accepts x: q[n - 1] iff {wanted}",
            f"ensures x: forall i: q[i] <=> prefix(tokens, i) in {wanted}",
            f"ensures x: forall i: q[i] => prefix(tokens, i) in {wanted}",
            f"ensures x: forall i: q[i] <=> (prefix(tokens, i) in {language} and prefix(tokens, i) in {other})",
            "ensures x: forall i: q[i] => q2[i]",
            "equiv x: q == q2",
            "ensures x: forall i in 1..n-1: q[i] => q[i - 1]",
        )
    )
    return text + second, f"scope lengths=any alphabet=ab\n{claim}"
