"""Classes of values of a leaf: what the s-ops at hand cannot tell apart is looked at once."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from compiled.meaning.leaves import Classes, Count, Leaf, row_key
from spec.graph import Aggregate, Map, SOp
from spec.values import Atom

if TYPE_CHECKING:
    from compiled.meaning.values import Domain


def leaf_classes(domain: "Domain", sops: tuple[SOp, ...], leaves: tuple[Leaf, ...]) -> Classes:
    """Classes of each leaf that the s-ops can be computed from: intervals, so that a share is between thresholds.

    A number that the leaf can have in two kinds is a class of its own: operators differ on kinds.
    """
    read: dict[SOp, None] = {sop: None for sop in sops if len(domain.leaves(sop)) == 1}
    whole: set[Leaf] = set()
    for node in domain.cone(sops):
        if len(domain.leaves(node)) < 2:
            continue
        if node in domain.definitions:
            whole |= set(domain.definitions[node].leaves)
        elif isinstance(node, Map):
            read.update({arg: None for arg in node.args if len(domain.leaves(arg)) == 1})
    found: dict[Leaf, dict[Atom, Atom]] = {}
    for leaf in leaves:
        if leaf in whole or not isinstance(leaf, Aggregate | Count):
            continue
        mine = [sop for sop in read if domain.leaves(sop) == (leaf,)]
        values = domain.profile(leaf).values()
        image = domain.image(mine, (leaf,), [(value,) for value in values])
        first: dict[object, Atom] = {}
        found[leaf] = {}
        run, last, twice = 0, None, _of_two_kinds(values)
        for value in domain.ordered(leaf):
            if (value,) not in image:
                continue
            result = row_key(image[(value,)])
            run += result != last or value in twice
            last = None if value in twice else result
            found[leaf][value] = first.setdefault(run, value)
    return found


def _of_two_kinds(values: Sequence[Atom]) -> set[Atom]:
    """The values that are equal to another one of another kind."""
    return {value for value, times in Counter(values).items() if times > 1}
