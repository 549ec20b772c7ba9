"""Training: no measured input is trained on, interruptions change nothing, supervised heads attend as selectors do."""

import json
import random
from dataclasses import replace
from itertools import islice, product
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402  # only with torch

from compiled.errors import BadFile, NotTrained  # noqa: E402  # only with torch
from compiled.training.batch import attention, batch_of  # noqa: E402
from compiled.training.checkpoint import NAME  # noqa: E402
from compiled.training.examples import Source, classes  # noqa: E402
from compiled.training.fit import Trained, train  # noqa: E402
from compiled.training.folder import load_trained, report, save  # noqa: E402
from compiled.training.settings import Settings  # noqa: E402
from spec import source as text  # noqa: E402
from spec.elaborate import elaborate  # noqa: E402
from spec.interp import evaluate  # noqa: E402
from spec.values import Numbers  # noqa: E402
from verifier.cli import main  # noqa: E402

pytestmark = pytest.mark.torch

PREVIOUS = 'out_ = aggregate(select(indices, indices - 1, ==), tokens, "-");'
TINY = Settings(
    layers=1, heads=1, d_model=32, d_mlp=32, low=2, high=4, beyond=5, steps=6, batch=8, measured=20, every=2
)


def source(program: str, alphabet: str = "abc", seed: int = 0) -> Source:
    made = elaborate(text.Source("test.rasp", program + "\n"), Numbers.EXACT)
    return Source(made.sop("out_"), Numbers.EXACT, tuple(alphabet), seed)


def state(trained: Trained) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in trained.network.state_dict().items()}


# ------------------------------------------------------------------------------------------------ examples


def test_no_word_is_in_both_parts() -> None:
    about = source(PREVIOUS)
    trained = {example.word for example in islice(about.stream(random.Random(1), range(1, 7), held_out=False), 2_000)}
    measured = {example.word for length in range(1, 7) for example in about.measured(length, 500)}
    assert trained
    assert measured
    assert not trained & measured


def test_the_held_out_part_of_a_length_is_all_of_it_when_few_words_are_there() -> None:
    about = source(PREVIOUS)
    held_out = {word for word in product("abc", repeat=4) if about.is_held_out(word)}
    assert {example.word for example in about.measured(4, 81)} == held_out
    assert 0 < len(held_out) < 20


def test_another_seed_holds_out_other_words() -> None:
    first, second = source(PREVIOUS), source(PREVIOUS, seed=1)
    words = list(product("abc", repeat=5))
    assert [first.is_held_out(word) for word in words] != [second.is_held_out(word) for word in words]


def test_the_values_of_examples_are_those_of_the_program() -> None:
    about = source(PREVIOUS)
    for example in about.measured(5, 30):
        assert example.values == evaluate([about.sop], example.word, Numbers.EXACT).values[about.sop]
        assert example.values == ("-", *example.word[:-1])


def test_inputs_on_which_the_program_fails_are_left_out() -> None:
    about = source('out_ = 1 / aggregate(full_s, indicator(tokens == "a"));')
    drawn = list(islice(about.stream(random.Random(1), range(1, 4), held_out=False), 100))
    assert all("a" in example.word for example in drawn)


def test_preconditions_are_kept() -> None:
    about = source(PREVIOUS)
    strict = Source(about.sop, about.numbers, about.alphabet, 0, lambda word: word[0] == "b")
    drawn = list(islice(strict.stream(random.Random(1), range(1, 5), held_out=False), 50))
    assert {example.word[0] for example in drawn} == {"b"}


def test_a_program_without_any_value_is_refused() -> None:
    with pytest.raises(NotTrained, match="nothing to learn from"):
        next(source("out_ = 1 / (indices - indices);").stream(random.Random(1), range(1, 4), held_out=False))


def test_equal_atoms_are_one_class() -> None:
    about = source("out_ = indices % 2 == 0;")
    ones = source("out_ = indices % 2;")
    both = [*about.measured(4, 5), *ones.measured(4, 5)]
    assert len(classes(both)) == 2


# ------------------------------------------------------------------------------------------------ attention


def test_shares_are_equal_on_selected_keys_and_on_the_start_token_where_there_is_none() -> None:
    about = source('out_ = aggregate(select(tokens, "a", ==) and select(indices, indices, <), indices, 0);')
    trained = train(about, "out_", TINY)
    [[selector]] = about.selectors()
    example = next(one for one in about.measured(4, 50) if one.word[0] == "a" and "a" in one.word[1:3])
    shares = attention(batch_of([example], trained.network, {}), selector)[0]
    for query in range(4):
        keys = [key for key in range(query) if example.word[key] == "a"]
        expected = [0.0] * 5
        for key in keys:
            expected[key + 1] = 1 / len(keys)
        if not keys:
            expected[0] = 1.0
        assert shares[query + 1].tolist() == pytest.approx(expected)
    assert shares[0].sum() == 0


def test_supervision_makes_a_head_attend_as_the_selector_does() -> None:
    settings = Settings(
        layers=1, heads=1, d_model=32, d_mlp=32, low=2, high=6, beyond=6, steps=150, batch=32, rate=1e-2, measured=30
    )
    alone = train(source(PREVIOUS), "out_", replace(settings, steps=1))
    taught = train(source(PREVIOUS), "out_", replace(settings, supervise=1.0))
    assert alone.agreements[0].overlap < 0.6
    assert taught.agreements[0].overlap > 0.9
    assert taught.agreements[0].head == (0, 0)


def test_supervision_needs_a_head_for_each_selector() -> None:
    two = 'out_ = aggregate(select(tokens, "a", ==), indices, 0) + aggregate(select(tokens, "b", ==), indices, 0);'
    with pytest.raises(NotTrained, match="1 layers with up to 2 heads"):
        train(source(two), "out_", replace(TINY, supervise=1.0))


# ------------------------------------------------------------------------------------------------ training


def test_what_can_be_learnt_is_learnt() -> None:
    settings = Settings(
        layers=1, heads=1, d_model=32, d_mlp=32, low=2, high=5, beyond=5, steps=200, batch=32, rate=1e-2, measured=30
    )
    trained = train(source('out_ = tokens == "a";'), "out_", settings)
    assert all(one.sequences == 1.0 for one in trained.accuracies if one.inputs)
    assert sum(one.inputs for one in trained.accuracies) > 30


def test_an_interrupted_training_that_goes_on_gives_the_same_weights(tmp_path: Path) -> None:
    whole = train(source(PREVIOUS), "out_", TINY, folder=tmp_path / "whole")

    class Interrupted(Exception):
        pass

    def stop(line: dict[str, object]) -> None:
        if line["step"] == 4:
            raise Interrupted

    with pytest.raises(Interrupted):
        train(source(PREVIOUS), "out_", TINY, folder=tmp_path / "parts", log=stop)
    resumed = train(source(PREVIOUS), "out_", TINY, folder=tmp_path / "parts", resume=True)
    expected = state(whole)
    assert all(torch.equal(tensor, expected[name]) for name, tensor in state(resumed).items())
    logs = [(tmp_path / part / "log.jsonl").read_text() for part in ("whole", "parts")]
    assert logs[0] == logs[1]
    assert [json.loads(line)["step"] for line in logs[0].splitlines()] == [2, 4, 6]


def test_the_same_seed_gives_the_same_weights_and_another_one_others() -> None:
    first, second = (state(train(source(PREVIOUS), "out_", TINY)) for _ in range(2))
    other = state(train(source(PREVIOUS), "out_", replace(TINY, seed=1)))
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())
    assert not torch.equal(first["embed.W_E"], other["embed.W_E"])


def test_accuracy_is_that_of_the_saved_network_on_held_out_words_alone(tmp_path: Path) -> None:
    about = source(PREVIOUS)
    trained = train(about, "out_", TINY)
    network = load_trained(save(trained, tmp_path / "model"))
    data = json.loads((tmp_path / "model" / "report.json").read_text())
    assert data == json.loads(json.dumps(report(trained)))
    for line in data["held_out"]:
        words = [word for word in product("abc", repeat=line["length"]) if about.is_held_out(word)]
        answers = [tuple(row) for row in network.run(words)["out_"]] if words else []
        right = sum(answer == ("-", *word[:-1]) for answer, word in zip(answers, words, strict=True))
        assert line["inputs"] == min(len(words), TINY.measured)
        if 0 < len(words) <= TINY.measured:
            assert line["sequence_accuracy"] == pytest.approx(right / len(words))
    assert [line["length"] for line in data["held_out"]] == [2, 3, 4, 5]


def test_padding_does_not_change_what_is_computed() -> None:
    network = train(source(PREVIOUS), "out_", TINY).network
    alone = network(network.encode(["ab"]))
    padded = network(network.encode(["ab", "abcabc"]))[:1, :3]
    assert torch.allclose(alone, padded, atol=1e-5)


def test_a_causal_network_does_not_look_ahead() -> None:
    network = train(source(PREVIOUS), "out_", replace(TINY, causal=True)).network
    left, right = network(network.encode(["abc", "abb"]))
    assert torch.allclose(left[:3], right[:3], atol=1e-5)
    assert not torch.allclose(left[3], right[3], atol=1e-3)


# ------------------------------------------------------------------------------------------------ folders and requests


def test_a_folder_with_a_training_is_not_overwritten(tmp_path: Path) -> None:
    train(source(PREVIOUS), "out_", TINY, folder=tmp_path)
    before = (tmp_path / NAME).read_bytes()
    with pytest.raises(NotTrained, match="holds a training already"):
        train(source(PREVIOUS), "out_", TINY, folder=tmp_path)
    assert (tmp_path / NAME).read_bytes() == before


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadFile, match="cannot be made"):
        train(source(PREVIOUS), "out_", TINY, folder=tmp_path / "file" / "below")


def test_a_folder_that_vanishes_is_reported(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="cannot be written"):
        train(source(PREVIOUS), "out_", TINY, folder=tmp_path / "gone", log=lambda _: rmtree(tmp_path / "gone"))


def test_a_training_does_not_go_on_with_other_settings(tmp_path: Path) -> None:
    train(source(PREVIOUS), "out_", TINY, folder=tmp_path)
    with pytest.raises(BadFile, match=r"settings\.json is about another training: steps was 6 and is 8$"):
        train(source(PREVIOUS), "out_", replace(TINY, steps=8), folder=tmp_path, resume=True)


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"\x00" * 64])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, damage: bytes) -> None:
    train(source(PREVIOUS), "out_", TINY, folder=tmp_path)
    (tmp_path / NAME).write_bytes(damage)
    with pytest.raises(BadFile):
        train(source(PREVIOUS), "out_", TINY, folder=tmp_path, resume=True)


@pytest.mark.parametrize("key", ["format", "n_heads", "d_model", "vocabulary", "masks", "outputs", "dtype"])
def test_a_damaged_configuration_is_refused(tmp_path: Path, key: str) -> None:
    save(train(source(PREVIOUS), "out_", TINY), tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    del config[key]
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(BadFile):
        load_trained(tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [{"layers": 0}, {"heads": 3}, {"high": 50}, {"low": 0}, {"rate": 0.0}, {"steps": 0}, {"supervise": -1.0}],
)
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(NotTrained, match="not trained: "):
        Settings(**{"layers": 1, "heads": 1, **wrong})


def test_the_command_writes_a_folder_and_says_what_was_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "shift.rasp"
    path.write_text(f'#@ scope lengths=2..4 alphabet=abc\n{PREVIOUS}\n#@ requires any: tokens[0] != "c"\n')
    words = ["train", f"{path}::out_", "--steps", "4", "--batch", "8", "--every", "2", "--measured", "10"]
    words += ["--beyond", "5", "--d-model", "16", "--d-mlp", "16", "-o", str(tmp_path / "model")]
    assert main(words) == 0
    printed = capsys.readouterr()
    assert "layers 1, heads 1 in each" in printed.out
    assert "longer than any that was trained on" in printed.out
    assert "held-out sequences right" in printed.err
    assert load_trained(tmp_path / "model").config.n_layers == 1
    assert main([*words, "--resume"]) == 0
    assert main(words) == 2
    assert "holds a training already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["x.rasp"], "one s-op"),
        (["x.rasp::out_", "--resume"], "without a folder"),
        (["x.rasp::nothing"], "does not define"),
        (["x.rasp::out_", "--heads", "3"], "cannot share"),
        (["x.rasp::out_", "--lengths", "9..3"], "low <= high"),
    ],
)
def test_wrong_requests_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.rasp").write_text(f"{PREVIOUS}\n")
    assert main(["train", *words]) == 2
    assert message in capsys.readouterr().err
