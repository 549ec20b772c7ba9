"""Languages as registers of the machine: automaton states, depths of brackets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from spec.property.ast import Dyck, Language, Regex
from spec.property.language import automaton
from spec.property.scope import Scope
from spec.values import Atom, Kind, kind_of
from verifier.unbounded.linear import (
    TRUE,
    Formula,
    Linear,
    Unsupported,
    Variable,
    at_most,
    conjunction,
    constant,
    disjunction,
    equal,
    negation,
    substitute,
)
from verifier.unbounded.machine import Machine, Update, final, memory

MAX_STATES: Final = 64


@dataclass(eq=False)
class Languages:
    """Makes the registers that recognise a language while the input is read."""

    machine: Machine
    scope: Scope

    def at_end(self, language: Language, spelled: Sequence[Atom]) -> Formula:
        """Whether the whole input is a word, where letter k is spelled `spelled[k]`."""
        registers = self._registers(language, spelled)
        return self._accepting(language, [final(register) for register in registers])

    def up_to(self, language: Language, spelled: Sequence[Atom], letter: int) -> Formula:
        """Whether the input up to here, where the letter is, is a word."""
        registers = self._registers(language, spelled)
        accepted = self._accepting(language, [memory(register) for register in registers])
        found: list[tuple[Formula, dict[Variable, Linear]]] = [(TRUE, {})]
        for register in registers:
            variable = next(iter(memory(register).variables))
            found = [
                (conjunction((guard, more)), {**values, variable: term})
                for guard, values in found
                for more, term in self.machine.after(register, letter)
            ]
        return disjunction(conjunction((guard, substitute(accepted, values))) for guard, values in found)

    def _registers(self, language: Language, spelled: Sequence[Atom]) -> list[int]:
        names = tuple((kind_of(atom), atom) for atom in spelled)
        match language:
            case Regex(pattern=pattern, prefixes=prefixes):
                machine = automaton(language, self.scope)
                if len(machine.transitions) > MAX_STATES:
                    raise Unsupported("a language with many states")
                key = ("regex", pattern, prefixes, names)
                own = memory(len(self.machine.registers))
                updates = [self._moves(language, own, atom) for atom in spelled]
                return [self.machine.custom(key, f"state of /{pattern}/", machine.start + 1, updates)]
            case Dyck(pairs=pairs, shuffled=shuffled):
                if len(pairs) > 1 and not shuffled:
                    raise Unsupported("nested brackets of several kinds")
                return self._brackets(pairs, names, spelled)

    def _moves(self, language: Regex, own: Linear, atom: Atom) -> Update:
        """State s is kept as s + 1; 0 is for inputs with a token that is in no word."""
        machine = automaton(language, self.scope)
        if kind_of(atom) is not Kind.STR or atom not in machine.symbols:
            return ((TRUE, constant(0)),)
        column = machine.symbols.index(str(atom))
        moves = [(equal(own.plus(-s - 1)), constant(row[column] + 1)) for s, row in enumerate(machine.transitions)]
        other = conjunction(negation(guard) for guard, _ in moves)
        return (*moves, (other, constant(0)))

    def _brackets(
        self, pairs: Sequence[tuple[str, str]], names: tuple[object, ...], spelled: Sequence[Atom]
    ) -> list[int]:
        """A depth for each pair, never below 0, and whether anything was wrong, as 1."""
        depths = []
        for left, right in pairs:
            own = memory(len(self.machine.registers))
            updates = [self._deeper(own, atom, left, right) for atom in spelled]
            depths.append(self.machine.custom(("depth", left, right, names), f"depth of {left}{right}", 0, updates))
        brackets = {bracket for pair in pairs for bracket in pair}
        closing = {right: depths[k] for k, (_, right) in enumerate(pairs)}
        wrong: list[Update] = []
        own = memory(len(self.machine.registers))
        for atom in spelled:
            if kind_of(atom) is not Kind.STR or atom not in brackets:
                wrong.append(((TRUE, constant(1)),))
            elif atom in closing:
                empty = equal(memory(closing[str(atom)]))
                wrong.append(((empty, constant(1)), (negation(empty), own)))
            else:
                wrong.append(((TRUE, own),))
        return [*depths, self.machine.custom(("wrong", tuple(pairs), names), "a wrong bracket", 0, wrong)]

    def _deeper(self, own: Linear, atom: Atom, left: str, right: str) -> Update:
        if atom == left:
            return ((TRUE, own.plus(1)),)
        if atom == right:
            return ((equal(own), own), (at_most(constant(1) - own), own.plus(-1)))
        return ((TRUE, own),)

    def _accepting(self, language: Language, states: Sequence[Linear]) -> Formula:
        match language:
            case Regex():
                machine = automaton(language, self.scope)
                return disjunction(equal(states[0].plus(-s - 1)) for s in sorted(machine.accepting))
            case Dyck(prefixes=prefixes):
                depths, wrong = states[:-1], states[-1]
                level = TRUE if prefixes else conjunction(equal(depth) for depth in depths)
                return conjunction((equal(wrong), level))
