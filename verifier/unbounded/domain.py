"""What is known of the counts at a position of a word, whatever the program: the facts that prune impossible cases.

At a position that holds the letter a, of a word with at least `shortest` letters:

    before(c) + [c = a] <= total(c)
    the word begins with exactly one letter, which it has; with a, if the position is 0; with one seen, if it is not
"""

from dataclasses import dataclass, field
from functools import cached_property

from verifier.unbounded.counting import first_letter
from verifier.unbounded.linear import Formula, Place, at_most, conjunction, constant, disjunction, equal, total
from verifier.unbounded.machine import before, in_all
from verifier.unbounded.solve import Solver


@dataclass(eq=False)
class Domain:
    """The counts of words over so many letters."""

    letters: int
    shortest: int
    solver: Solver = field(default_factory=Solver)

    @cached_property
    def words(self) -> Formula:
        """What holds of every word."""
        length = total(in_all(k) for k in range(self.letters))
        begins = [first_letter(k, self.letters) for k in range(self.letters)]
        return conjunction(
            [
                at_most(constant(self.shortest) - length),
                *(at_most(one - in_all(k)) for k, one in enumerate(begins)),
                *(at_most(one.times(-1)) for one in begins),
            ]
        )

    def at(self, letter: int, place: Place = Place.HERE) -> Formula:
        """What holds at a position with this letter."""
        position = total(before(k, place) for k in range(self.letters))
        begins = [first_letter(k, self.letters) for k in range(self.letters)]
        seen = conjunction(
            disjunction((equal(one), at_most(constant(1) - before(k, place)))) for k, one in enumerate(begins)
        )
        starts = conjunction((equal(position), equal(begins[letter].plus(-1))))
        room = (at_most((before(k, place) - in_all(k)).plus(int(k == letter))) for k in range(self.letters))
        return conjunction(
            [self.words, *room, disjunction((starts, conjunction((at_most(constant(1) - position), seen))))]
        )

    def feasible(self, letter: int, guard: Formula) -> bool:
        """Whether a guard can hold at a position with this letter, as far as these facts say."""
        return self.solver.possible(conjunction((self.at(letter), guard)))
