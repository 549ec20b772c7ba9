"""The graphs of the shipped programs: sound, portable, and as deep and wide as the reference says."""

from pathlib import Path

import pytest

from spec.check import check
from spec.cost import MODELS, as_soon_as_possible, reference_analysis, validate
from spec.elaborate import load_program
from spec.serialize import content_hash, dumps, loads
from spec.show import dot, listing
from spec.transplant import transplant
from spec.values import Numbers

PROGRAMS = Path(__file__).resolve().parents[2] / "spec" / "programs"
NAMES = sorted(str(path.relative_to(PROGRAMS).with_suffix("")) for path in PROGRAMS.rglob("*.rasp"))

# Heads in each layer, as the reference implementation reports them for these programs.
REFERENCE = {
    ("paper/histogram", "histogram"): (2,),
    ("paper/histogram_bos", "histogram"): (1,),
    ("paper/reverse", "backwards"): (1, 1),
    ("paper/sort", "in_order"): (2, 1),
    ("paper/sort_bos", "in_order"): (1, 1),
    ("paper/double_histogram", "double_histogram"): (3, 2),
    ("paper/double_histogram_bos", "double_histogram"): (2, 1),
    ("paper/dyck1_ptf", "dyck1_ptf"): (1, 1),
    ("paper/dyck_ptf", "dyck2_ptf"): (1, 2, 1, 1),
    ("paper/dyck_ptf", "dyck3_ptf"): (1, 2, 1, 1),
}


@pytest.mark.parametrize("name", NAMES)
def test_graph_is_sound_and_survives_every_copy(name: str) -> None:
    for numbers in Numbers:
        program = load_program(PROGRAMS / f"{name}.rasp", numbers)
        graph, outputs = program.graph, dict(program.sops())
        check(graph)
        text = dumps(graph, outputs)
        again, named = loads(text)
        check(again)
        assert dumps(again, named) == text
        digest = content_hash(numbers, outputs)
        assert content_hash(numbers, named) == digest
        copied = transplant(outputs.values(), again, graph.spans)
        assert {key: copied[node] for key, node in outputs.items()} == named
        assert listing(outputs, graph.spans) == listing(named, again.spans)
        assert dot(outputs, graph.spans) == dot(named, again.spans)


@pytest.mark.parametrize("name", NAMES)
def test_earliest_schedule_is_valid_under_every_model(name: str) -> None:
    program = load_program(PROGRAMS / f"{name}.rasp", Numbers.EXACT)
    for model in MODELS.values():
        for node in program.sops().values():
            assert validate(as_soon_as_possible([node], model), [node], model) == ()


@pytest.mark.parametrize(("name", "sop"), REFERENCE)
def test_reference_analysis_reports_what_the_reference_does(name: str, sop: str) -> None:
    program = load_program(PROGRAMS / f"{name}.rasp", Numbers.EXACT, interning=False)
    assert reference_analysis(program.graph, program.sop(sop)).heads == REFERENCE[name, sop]
