"""Did you mean: the known word that a misspelt one is closest to."""

from collections.abc import Iterable
from difflib import get_close_matches


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like this one, if any is close."""
    candidates = list(dict.fromkeys(known))
    folded = {candidate.lower(): candidate for candidate in reversed(candidates)}
    found = get_close_matches(word.lower()[:80], folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def near(word: str, known: Iterable[str]) -> str | None:
    """The hint that names the closest word, or lists what there is when it is little."""
    candidates = list(dict.fromkeys(known))
    found = closest(word, candidates)
    if found is not None:
        return f"did you mean `{found}`?"
    if 0 < len(candidates) <= 16:
        return "known here: " + ", ".join(f"`{candidate}`" for candidate in candidates)
    return None
