"""Random programs as RASP text, and random contracts about them, for comparisons of verdicts with brute force.

Everything comes from a `random.Random`, so that a seed names a case. Programs may fail on some inputs, and contracts
may be refused by the type rules: what is refused is no case.
"""

from random import Random
from typing import Final

SCOPES: Final = (
    "alphabet=ab",
    "alphabet=abc",
    "alphabet=a1",
    "alphabet=é雪",
    "integers=0..2",
    "integers=-1..1",
    'alphabet=["a", 1, "1", true]',
    "alphabet=[0, 1.0, true]",
    "alphabet=[1, 1.0, true]",
    "alphabet=[0.1, 0.2, 3]",
    "alphabet=[-0.0, 1, 2.5]",
    "alphabet=[false, true]",
    'alphabet=["nan", "inf", "1"]',
    'alphabet=["0.5", "-1", "2"]',
    "alphabet=[0.5, -1.5, 2.5]",
    'alphabet=["", "a", "%s"]',
)

_ATOMS: Final = ("0", "1", "2", "-1", "0.5", "0.1", "2.5", '"a"', '"b"', '"1"', "True", "False")
_LEAVES: Final = ("tokens", "tokens_asis", "tokens_asis", "tokens_int", "tokens_float", "tokens_bool", "indices")
_MAPS: Final = (
    "({x} + {y})",
    "({x} - {y})",
    "({x} * {y})",
    "({x} / {y})",
    "({x} % {y})",
    "({x} ^ 2)",
    "({x} ^ -1)",
    "(-{x})",
    "(+{x})",
    "(not {x})",
    "round({x})",
    "indicator({x})",
    "({x} and {y})",
    "({x} or {y})",
    "({x} == {y})",
    "({x} == {y})",
    "({x} < {y})",
    "({x} <= {y})",
    "({x} > {y})",
    "({x} >= {y})",
    "({x} if {y} else {z})",
    "({x} if {y} else {z})",
    "({x} in [{c}, {d}])",
    "[{c}, {d}, {e}][{x}]",
    '{{"a": {c}, 0: {d}, 1: {e}}}[{x}]',
)
_AGGREGATES: Final = (
    "aggregate({s}, {x})",
    "aggregate({s}, {x})",
    "aggregate({s}, {x}, {c})",
    "selector_width({s})",
)
_SELECTORS: Final = (
    "select({x}, {y}, {p})",
    "select({x}, {x}, {p})",
    "select(indices, indices, {p})",
    "select(indices, {x}, {p})",
    "select({x}, {c}, {p})",
    "(not {s})",
    "({s} and {t})",
    "({s} or {t})",
)
_PREDICATES: Final = ("==", "!=", "<", "<=", ">", ">=")


def random_text(rng: Random, size: int = 6) -> tuple[str, list[str], list[str]]:
    """A program with about `size` definitions: its text, and the names of its s-ops and of its selectors."""
    sops, selectors, lines = ["tokens_asis", rng.choice(_LEAVES)], ["full_s"], list[str]()

    def some(names: list[str]) -> str:
        return names[-1] if rng.random() < 0.4 else rng.choice(names)

    def operand() -> str:
        return rng.choice(_ATOMS) if rng.random() < 0.2 else rng.choice(_LEAVES) if rng.random() < 0.2 else some(sops)

    for number in range(size):
        draw = rng.random()
        forms = _MAPS if draw < 0.45 else _AGGREGATES if draw < 0.7 else _SELECTORS
        parts = {"x": some(sops), "y": operand(), "z": operand(), "p": rng.choice(_PREDICATES)}
        parts |= {"s": some(selectors), "t": some(selectors)} | {name: rng.choice(_ATOMS) for name in "cde"}
        name = f"{'q' if forms is _SELECTORS else 'x'}{number}"
        lines.append(f"{name} = {rng.choice(forms).format(**parts)};")
        (selectors if forms is _SELECTORS else sops).append(name)
    made = [name for name in sops if name.startswith("x")] or ["indices"]
    return "\n".join(lines), made, [name for name in selectors if name.startswith("q")] or ["full_s"]


# --- contracts ----------------------------------------------------------------------------------------------------

_NUMBERS = ["n", "0", "1", "2", "0.5", "0.1", "count({Q})", "sum({S})", "len({S})", "abs({N})", "round({N})"]
_NUMBERS += ["{S}[{N}]", "{S}[{N}]", "{S}[0]", "{S}[n - 1]", "({N} + {N})", "({N} - {N})", "({N} * {N})", "({N} / {N})"]
_NUMBERS += ["({N} % {N})", "({N} ^ 2)", "min({S})", "max({S})", "max({N}, {N})", "({N} if {B} else {N})", "int({T})"]
_NUMBERS += ["-{N}", "count({S}, {N})", "count({S}, {T})"]
_TEXTS = ['"a"', '"b"', '"1"', "tokens[{N}]", "tokens[0]", "{S}[{N}]", "({T} if {B} else {T})"]
_TRUTHS = ["{N} < {N}", "{N} == {N}", "{N} != {N}", "{T} == {T}", "{T} <= {T}", "({B} and {B})", "({B} or {B})"]
_TRUTHS += ["not {B}", "({B} => {B})", "({B} <=> {B})", "all({Q})", "any({Q})", "sorted({S})", "permutation({S}, {S})"]
_TRUTHS += ["{N} in {S}", "{T} in {S}", "{Q}[{N}]", "{M}[{N}][{N}]", "(forall i: {B})", "(exists i: {B})"]
_TRUTHS += ["(forall i, j: {B})", "(exists i, j: {B})", "(forall i: exists j: {B})", "(exists i: forall j: {B})"]
_TRUTHS += ["(forall k in {N}..{N}: {B})", "(exists k in 0..n - 1: {B})", "(forall c in alphabet: {B})"]
_TRUTHS += [
    "(exists c in alphabet: {B})",
    "tokens in /a.*|b/",
    "tokens in /[^a]*1?/",
    "{S} in /.*/",
    "{N} < {N} <= {N}",
]
_TRUTHS += ['prefix(tokens, {N}) in prefixes(dyck("ab"))', 'tokens[{N}..{N}] in shuffle_dyck("ab", "1é")']
_TRUTHS += ['tokens in dyck("ab", "1é")', "({B} if {B} else {B})"]
_SEQUENCES = ["indices", "tokens", "[{N}, {N}]", "({S} + {N})", "({S} * {S})", "({S} - {S})", "reverse({S})"]
_SEQUENCES += ["prefix({S}, {N})", "{S}[{N}..{N}]", "abs({S})", "round({S})", "({S} if {B} else {S})"]
_SEQUENCES += ["({S} if {Q} else {N})", "({S} / {S})", "[{T}, {T}]", "(-{S})"]
_TRUTH_SEQUENCES = ["({S} == {S})", "({S} < {N})", "({S} == {T})", "(not {Q})", "({Q} and {Q})", "({Q} => {B})"]
_TRUTH_SEQUENCES += ["{M}[{N}]", "reverse({Q})", "({S} in [{N}, {T}])", "({N} <= {S} < {N})", "({Q} or {Q})"]
_LANGUAGES: Final = ("/a.*/", "/.*/", "/[^a]1*/", 'dyck("ab", "1é")', 'prefixes(shuffle_dyck("ab", "1é"))')
_PADDINGS: Final = ('"a"', '"_"', "0", "1.0", "true", "2.5")
_FORMS: Final = {"N": _NUMBERS, "T": _TEXTS, "B": _TRUTHS, "S": _SEQUENCES, "Q": _TRUTH_SEQUENCES}
_VARIABLES: Final = {"N": "ijk", "T": "c"}
_LAST_RESORT: Final = {"N": "1", "T": '"a"', "B": "n > 1", "S": "indices", "Q": "(tokens == tokens)"}


class _Writer:
    def __init__(self, rng: Random, sops: list[str], selectors: list[str]) -> None:
        self.rng, self.sops, self.selectors = rng, sops, selectors

    def expression(self, sort: str, depth: int, bound: str = "") -> str:
        """An expression of a sort; `bound` are the variables in force."""
        if sort == "M":
            return self.rng.choice(self.selectors)
        if sort in "SQ" and self.rng.random() < 0.4:
            return self.rng.choice(self.sops)
        if depth == 0:
            return _LAST_RESORT[sort]
        variables = [name for name in bound if name in _VARIABLES.get(sort, "")]
        if variables and self.rng.random() < 0.5:
            return self.rng.choice(variables)
        form = self.rng.choice(_FORMS[sort])
        quantified = form.partition(":")[0].partition(" in ")[0] if form.startswith(("(forall", "(exists")) else ""
        inside = bound + "".join(name for name in "ijkc" if f" {name}" in quantified)
        if ": exists j" in form or ": forall j" in form:
            inside += "j"
        for other in (*_FORMS, "M"):
            while "{" + other + "}" in form:
                form = form.replace("{" + other + "}", self.expression(other, depth - 1, inside), 1)
        return form

    def claim(self) -> str:
        x, y = self.rng.choice(self.sops), self.rng.choice(self.sops)
        truth = self.expression("B", self.rng.randint(1, 4))
        return self.rng.choice(
            (
                *(f"ensures {truth}",) * 6,
                f"cover {truth}",
                f"accepts {truth} iff {self.rng.choice(_LANGUAGES)}",
                f"equiv {x} == {y}",
                f"invariant {x} under permutation",
                f"equivariant {x} under permutation",
                f"invariant {x} under reversal",
                f"equivariant {x} under reversal",
                f"invariant {x} under renaming",
                f"equivariant {x} under renaming",
                f"invariant {x} under padding {self.rng.choice(_PADDINGS)}",
                f"causal {x}",
            )
        )


def random_contract(rng: Random, sops: list[str], selectors: list[str]) -> str:
    """A scope, perhaps a precondition, and one claim."""
    writer = _Writer(rng, sops, selectors)
    numbers = rng.choice(("exact", "exact", "ieee"))
    lengths = rng.choice(("1", "1..2", "1..2", "1..3", "2..3"))
    lines = [f"scope lengths={lengths} {rng.choice(SCOPES)} numbers={numbers}"]
    if rng.random() < 0.3:
        lines.append(f"requires {writer.expression('B', rng.randint(1, 3))}")
    return "\n".join([*lines, writer.claim()])
