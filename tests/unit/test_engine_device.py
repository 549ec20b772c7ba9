"""Evaluation in torch against evaluation point by point and against numpy; refusals; memory; what is never loaded.

On a machine without an accelerator all of it runs on the processor, but for the one test that needs one.
"""

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spec.operators import Op
from spec.values import Kind, Numbers
from tests.unit.engine_oracle import compare_values, compare_with_brute_force
from verifier import portfolio
from verifier.cli import main
from verifier.encodings import blocks
from verifier.encodings.sweep import Sweep
from verifier.engine import Answer, Engine, Limits, Looked, Query, Reason, Sat, Session, Undecided, Unsat
from verifier.engines import device, parallel
from verifier.engines.device import ACCELERATOR, DEVICE, trustworthy
from verifier.engines.parallel import PARALLEL
from verifier.portfolio import AUTO, decide
from verifier.question.terms import Term, Terms

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

INTS = frozenset({Kind.INT})
CPU = torch.device("cpu")
OFF = Limits(reductions=False)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def ones(length: int, wanted: int) -> Query:
    """Are there so many ones among the bits?"""
    terms = Terms(INTS, 8)
    bits = [terms.apply(Op.EQ, terms.input(p), terms.literal(1), numbers=Numbers.EXACT) for p in range(length)]
    return Query(length, (0, 1), terms.apply(Op.EQ, terms.count(bits), terms.literal(wanted), numbers=Numbers.EXACT))


def is_word(length: int, word: tuple[int, ...], alphabet: tuple[int, ...]) -> Query:
    terms = Terms(INTS, 8)
    same: Iterator[Term] = (
        terms.apply(Op.EQ, terms.input(p), terms.literal(x), numbers=Numbers.EXACT) for p, x in enumerate(word)
    )
    return Query(length, alphabet, terms.all(same))


def opened(query: Query, limits: Limits = OFF) -> Session:
    session = DEVICE.open(query, limits)
    assert not isinstance(session, Undecided)
    return session


def smaller(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(device, "BLOCK", block)
    monkeypatch.setattr(device, "BLOCK_ON_CPU", block)
    monkeypatch.setattr(blocks, "FEWEST", block)


# ------------------------------------------------------------------------------------------------ right answers


@pytest.mark.parametrize("block", [5, 1 << 18])
def test_random_questions_get_the_answer_of_brute_force(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    smaller(monkeypatch, block)
    tally = compare_with_brute_force(DEVICE, f"device {block}", 30)
    assert min(tally["Sat"], tally["Unsat"]) > 40
    assert tally["Undecided"] < 12


def test_random_programs_have_the_values_of_the_point_evaluator() -> None:
    assert compare_values(DEVICE, "device", 15)["Undecided"] < 3


@pytest.mark.parametrize("block", [1, 3, 27, 64, 1 << 18])
@pytest.mark.parametrize("piece", [64, 1 << 20])
def test_every_word_is_found_is_alone_and_is_counted_once(
    monkeypatch: pytest.MonkeyPatch, block: int, piece: int
) -> None:
    """Over three symbols, so that blocks end anywhere in a machine word; vectors are packed in pieces of one word."""
    smaller(monkeypatch, block)
    monkeypatch.setattr(device, "PIECE", piece)
    for length in range(6):
        word = tuple((2 - p) % 3 for p in range(length))
        session = opened(is_word(length, word, (2, 0, 1)))
        assert session.check() == Sat(word, least=True)
        alone = session.check(other_than=word)
        assert isinstance(alone, Unsat)
        assert alone.evidence.inputs == 3**length - 1


@pytest.mark.parametrize("block", [7, 1 << 10, 1 << 18])
def test_it_answers_as_numpy_does_where_counts_are_no_multiples_of_anything(
    monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    smaller(monkeypatch, block)
    for query in (ones(11, 11), ones(13, 6), ones(9, 10), is_word(7, (1, 2, 0, 2, 1, 1, 2), (0, 1, 2))):
        for limits in (Limits(), OFF):  # without reductions all words, with them the first of each class
            mine, other = (engine.open(replace(query, prepared={}), limits) for engine in (DEVICE, PARALLEL))
            assert not isinstance(mine, Undecided)
            assert not isinstance(other, Undecided)
            answers: list[Answer] = []
            for session in (mine, other):
                answer = session.check()
                excluded = session.check(other_than=answer.word) if isinstance(answer, Sat) else answer
                answers += [answer, excluded]
            assert list(map(bare, answers[:2])) == list(map(bare, answers[2:]))


def bare(answer: Answer) -> object:
    return (answer.evidence.inputs, answer.evidence.reductions) if isinstance(answer, Unsat) else answer


@pytest.mark.parametrize("size", [1, 63, 64, 65, 127, 300, 1000])
def test_the_first_bit_that_is_set(size: int) -> None:
    """Against numpy, from every place on, with rubbish after the end."""
    lanes = device._Torch(CPU)
    rng = np.random.default_rng(size)
    for density in (0.002, 0.05, 0.9):
        bits = rng.random(size) < density
        vector = ~lanes._packed(size, lambda begin, end: torch.tensor(~bits[begin:end]), 1)  # noqa: B023  # called at once
        for begin in range(0, size, 7):
            hits = np.flatnonzero(bits[begin:])
            assert lanes.first(vector, begin, size) == (begin + int(hits[0]) if hits.size else None)


def test_a_program_with_a_wrong_length_is_refuted_by_its_shortest_least_input() -> None:
    finding = decide(ones(20, 20), "device", OFF)
    assert finding.answer == Sat((1,) * 20, least=True)
    assert finding.by == "device"
    assert finding.unique


# ------------------------------------------------------------------------------------------------ planted faults


class _Faulty(device._Torch):
    """A device that forgets the sign bit, or the bits after a place, or begins a word too late."""

    def __init__(self, fault: str) -> None:
        super().__init__(CPU)
        self.fault = fault

    def _packed(self, size: int, column: Callable[[int, int], Any], digit: int) -> Any:
        words = super()._packed(size, column, digit)
        if self.fault == "sign":
            return words & torch.tensor((1 << 63) - 1)
        if self.fault == "last word":
            words[-1] = 0
        return words

    def first(self, bits: Any, begin: int, size: int) -> int | None:
        if self.fault == "begin":
            begin += -begin % 64
        found = super().first(bits, begin, size)
        return None if self.fault == "far" and found is not None and found > 64 else found


@pytest.mark.parametrize("fault", ["sign", "last word", "begin", "far"])
def test_a_device_that_computes_wrongly_is_not_asked(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    assert trustworthy(device._Torch(CPU))
    assert not trustworthy(_Faulty(fault))
    monkeypatch.setattr(device, "_Torch", lambda _: _Faulty(fault))
    answer = DEVICE.open(ones(4, 2), OFF)
    assert isinstance(answer, Undecided)
    assert answer.reason is Reason.SOLVER


@pytest.mark.parametrize("fault", ["sign", "last word", "begin", "far"])
def test_the_comparison_with_brute_force_would_notice(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """That the tests above can fail: each fault makes an answer wrong that they ask for."""
    monkeypatch.setattr(device, "trustworthy", lambda _: True)
    monkeypatch.setattr(device, "_Torch", lambda _: _Faulty(fault))
    wrong = 0
    for last in range(81):
        word = tuple(last // 3**p % 3 for p in range(4))
        session = opened(is_word(4, word, (0, 1, 2)))
        wrong += session.check() != Sat(word, least=True) or not isinstance(session.check(other_than=word), Unsat)
    second = opened(ones(7, 1)).check(other_than=(0, 0, 0, 0, 0, 0, 1))
    assert wrong or second != Sat((0, 0, 0, 0, 0, 1, 0), least=True)


# ------------------------------------------------------------------------------------------------ limits, refusals


def test_what_there_is_no_time_or_no_memory_for_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    query = ones(45, 44)
    late = DEVICE.open(query, Limits(wall_s=0.0))
    assert late == Undecided(Reason.WALL, "while building the circuit")
    answer = opened(query, Limits(wall_s=2.0, reductions=False)).check()
    assert isinstance(answer, Undecided)
    assert answer.reason is Reason.WALL
    assert "inputs" in answer.detail

    def fail(*_: object) -> Answer:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes")

    session = opened(ones(5, 3))
    monkeypatch.setattr(Sweep, "check", fail)
    answer = session.check()
    assert isinstance(answer, Undecided)
    assert answer.reason is Reason.MEMORY

    def crash(*_: object) -> Answer:
        raise RuntimeError("some other error")

    monkeypatch.setattr(Sweep, "check", crash)
    with pytest.raises(RuntimeError, match="some other"):
        session.check()


def test_blocks_fit_into_the_memory_that_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same answer with next to no memory, in smaller blocks; and never more vectors than were foreseen."""
    seen: list[int] = []
    made = blocks.Blocks.__init__

    def record(self: blocks.Blocks, *args: Any) -> None:
        made(self, *args)
        seen.append(self.size)

    monkeypatch.setattr(blocks.Blocks, "__init__", record)
    for memory in (1 << 28, 1 << 14, 1 << 10, 1):
        monkeypatch.setattr(device, "MEMORY_ON_CPU", memory)
        assert opened(ones(14, 14)).check() == Sat((1,) * 14, least=True)
    assert seen[0] == 1 << 14
    assert seen == sorted(seen, reverse=True)
    assert seen[2] < seen[1] < seen[0]
    assert seen[3] == blocks.FEWEST


@pytest.mark.parametrize("engine", [DEVICE, PARALLEL], ids=lambda engine: engine.name)
@pytest.mark.parametrize("limits", [OFF, Limits()], ids=["all", "fewer"])
def test_a_long_search_says_how_far_it_is(engine: Engine, limits: Limits, monkeypatch: pytest.MonkeyPatch) -> None:
    smaller(monkeypatch, 256)
    monkeypatch.setattr(parallel, "BLOCK", 256)
    monkeypatch.setattr(blocks, "TELLING", -1.0)
    heard: list[Looked] = []
    query = replace(is_word(7, (2,) * 7, (0, 1, 2)), told=heard.append)
    session = engine.open(query, limits)
    assert not isinstance(session, Undecided)
    assert isinstance(session.check(other_than=(2,) * 7), Unsat)
    total = heard[-1].of
    assert [one.inputs for one in heard] == sorted({one.inputs for one in heard})
    assert heard[-1] == Looked(7, total, total)
    assert len(heard) > 5 or limits.reductions


def test_without_torch_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else found(name))
    answer = DEVICE.open(ones(4, 2), OFF)
    assert isinstance(answer, Undecided)
    assert answer.reason is Reason.UNSUPPORTED
    assert "pip install rasp-verifier[torch]" in answer.detail
    assert not device.accelerated()


def test_a_torch_that_cannot_be_loaded_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ImportError("libtorch_cpu.so: failed to map segment from shared object")

    monkeypatch.setattr(device, "_place", fail)
    answer = DEVICE.open(ones(4, 2), OFF)
    assert isinstance(answer, Undecided)
    assert "failed to map segment" in answer.detail


def test_where_torch_would_end_the_process_it_is_not_loaded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.rasp"
    path.write_text("x = tokens;\n#@ ensures same: x[0] == tokens[0]\n")
    assert main(["check", f"{path}::same", "--engine", "device", "--memory", "600"]) == 3
    assert "memory (loading torch takes" in capsys.readouterr().out


def test_nothing_loads_torch_but_the_engine_when_it_is_asked() -> None:
    code = (
        "import sys, verifier, verifier.portfolio, verifier.cli\n"
        "from verifier.engine import Limits, Query\n"
        "from verifier.question.terms import Terms\n"
        "from spec.values import Kind\n"
        "query = Query(2, (0, 1), Terms(frozenset({Kind.INT}), 8).literal(False))\n"
        "verifier.portfolio.decide(query, 'auto', Limits())\n"
        "sys.exit('torch' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ------------------------------------------------------------------------------------------------ which device


def test_the_evidence_names_the_device() -> None:
    answer = opened(ones(9, 10)).check()
    assert isinstance(answer, Unsat)
    name = "cpu: no accelerator" if not torch.accelerator.is_available() else ""
    assert answer.evidence.by.startswith(f"device ({name}")
    assert torch.__version__ in answer.evidence.detail or not answer.evidence.detail


def test_auto_asks_it_only_with_an_accelerator_and_about_many_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(query: Query) -> list[str]:
        return [stage.engine.name for stage in portfolio._stages(replace(query, prepared={}), AUTO, OFF)]

    many, few = is_word(26, (1,) * 26, (0, 1)), is_word(10, (1,) * 10, (0, 1))
    monkeypatch.setattr(portfolio, "accelerated", lambda: False)
    assert "device" not in asked(many)
    monkeypatch.setattr(portfolio, "accelerated", lambda: True)
    assert asked(many).index("device") < asked(many).index("parallel")
    assert "device" not in asked(few)


@pytest.mark.skipif(torch.accelerator.is_available(), reason="there is an accelerator")
def test_auto_makes_no_do_with_the_processor() -> None:
    answer = ACCELERATOR.open(ones(4, 2), OFF)
    assert answer == Undecided(Reason.UNSUPPORTED, "torch finds no accelerator")


@pytest.mark.skipif(not torch.accelerator.is_available(), reason="this machine has no accelerator that torch can use")
def test_an_accelerator_answers_as_the_processor_does() -> None:
    assert compare_with_brute_force(ACCELERATOR, "accelerator", 30)["Undecided"] < 12
    for query in (ones(24, 24), ones(25, 12), ones(22, 23), is_word(15, (2, 1, 0) * 5, (0, 1, 2))):
        mine, other = decide(query, "device", OFF), decide(replace(query, prepared={}), "parallel", OFF)
        assert bare(mine.answer) == bare(other.answer)
        assert mine.unique == other.unique
