"""Level 3, heads: exact synthesis against trying every program of small classes."""

from itertools import product
from random import Random

import pytest

from tests.unit.every_program import computes, every_program
from verifier.bounds.classes import Mask
from verifier.bounds.heads import Reading, parse_head_class
from verifier.bounds.synthesis import Absent, Exists, search
from verifier.bounds.target import ANYTHING, Word

SHORT = [word for n in (1, 2, 3) for word in product("01", repeat=n)]
SHORTER = SHORT[:6]
FEW = [("0",), ("0", "1"), ("1", "1")]
LETTERS = [("0",), ("2", "1"), ("0", "1"), ("1", "2")]
LONG = [("0", "0", "1"), ("0", "1")]

MIXED = [((1,), SHORTER), ((2,), FEW), ((1, 1), FEW[1:]), ((2, 1), FEW[1:])]

# Every reading under every mask: one layer of one and of two heads, two layers of one, and more of both on few words;
# with more values for a key; on tokens with indices; over three letters; on three positions.
CASES = [
    *((f"{reading.value}/{mask.value}", (1,), SHORT) for reading in Reading for mask in Mask),
    *((f"{reading.value}/{mask.value}", (2,), SHORTER) for reading in Reading for mask in Mask),
    *((f"{reading.value}/{mask.value}", (1, 1), FEW) for reading in Reading for mask in Mask),
    *((f"{reading.value}/{mask.value}", (1, 1, 1), FEW[1:]) for reading in Reading for mask in Mask),
    *((f"{reading.value}/{mask.value}", (2, 1), FEW[1:]) for reading in Reading for mask in Mask),
    *((f"{reading.value}/{mask.value}", (1, 2), FEW[1:]) for reading in Reading for mask in Mask),
    *((f"{reading.value}/{mask.value}", (1,), LETTERS) for reading in Reading for mask in Mask),
    *((f"{reading.value}/{mask.value}", (1, 1), LONG) for reading in Reading for mask in Mask),
    *((f"{reading.value}:3/{mask.value}", (1,), SHORTER) for reading in list(Reading)[1:] for mask in Mask),
    *((f"{reading.value}:3/{mask.value}", (2,), FEW) for reading in list(Reading)[1:] for mask in Mask),
    *((f"{reading.value}:3/{mask.value}", (1, 1), FEW[1:]) for reading in list(Reading)[1:] for mask in Mask),
    *((f"{reading.value}/{mask.value}+indices", (1,), FEW) for reading in Reading for mask in Mask),
    *((f"{reading.value}/{mask.value}+indices", (2,), FEW[1:]) for reading in Reading for mask in Mask),
    *((f"{reading.value}/{mask.value}+indices", (1, 1), FEW[1:]) for reading in Reading for mask in Mask),
    *((f"{reading.value}:3/{mask.value}+indices", (1,), FEW[1:]) for reading in list(Reading)[1:] for mask in Mask),
    ("common:3/past", (2,), SHORT),
    ("mean:3/past", (1, 1), SHORTER),
    ("rightmost:3/past", (1, 1), SHORTER),
    ("count/all", (2,), SHORT),
    ("count/past", (2,), SHORT),
    ("rightmost/past", (2,), SHORT),
    ("count/all+indices", (1,), SHORTER),
    ("common/past+indices", (1,), SHORTER),
    ("count/all", (1, 1), SHORTER),
    ("count/past", (1, 1), SHORTER),
    ("rightmost/past", (1, 1), SHORTER),
    ("common/past", (1, 1), SHORTER),
    ("mean/upto", (1, 1), SHORTER),
    ("count/upto", (1, 1, 1), SHORTER),
    # Heads of several kinds in one program.
    *(("count,mean/all", shape, words) for shape, words in MIXED),
    *(("count,common:3/past,all", shape, words) for shape, words in MIXED),
    *(("mean:3,leftmost/all,future", shape, words) for shape, words in MIXED),
    *(("rightmost:3,leftmost/past,upto", shape, words) for shape, words in MIXED),
    *(("count,mean,rightmost/from+indices", shape, words) for shape, words in MIXED[1:]),
]


@pytest.mark.parametrize(("name", "shape", "words"), CASES)
def test_search_agrees_with_trying_every_program(name: str, shape: tuple[int, ...], words: list[Word]) -> None:
    """Functions that some program computes, made coarser, the same with outputs exchanged, and any functions at all."""
    cls = parse_head_class(name)
    programs = sorted(every_program(cls, shape, words), key=repr)
    random = Random(f"{name} {shape}")
    answers = []
    for number in range(24):
        made = random.choice(programs)
        output = [random.choice((0, 1, 2, ANYTHING)) for _ in range(64)]
        table = [(word, [output[int(str(state))] for state in row]) for word, row in zip(words, made, strict=True)]
        for _ in range(random.randrange(4)):
            outputs = random.choice(table)[1]
            outputs[random.randrange(len(outputs))] = random.randrange(3)
        if number % 4 == 0:
            table = [(word, [random.choice((0, 1, ANYTHING)) for _ in word]) for word in words]
        exists = any(computes(rows, [outputs for _, outputs in table]) for rows in programs)
        found = search(cls, shape, table, 60)
        assert isinstance(found, Exists if exists else Absent)
        answers.append(exists)
    assert True in answers
    assert False in answers or cls.indices or len(words) <= len(LETTERS)
