"""`rasp crosscheck`: what it says, where, and with which exit code."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import compiled.compile  # noqa: E402  # only with torch
from compiled.model import Transformer  # noqa: E402
from compiled.weights.build import fill  # noqa: E402
from verifier import cli  # noqa: E402
from verifier.report import progress  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture
def program(tmp_path: Path) -> str:
    path = tmp_path / "reverse.rasp"
    path.write_text("out_ = aggregate(select(indices, length - 1 - indices, ==), tokens);\n")
    return f"{path}::out_"


def test_what_was_compared_and_on_what(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["crosscheck", program, "--lengths", "1..9", "--exhaustive", "40", "--samples", "8"]) == 0
    seen = capsys.readouterr()
    assert "compared   38 inputs: every input of n ≤ 4, 8 longer ones sampled" in seen.out
    assert seen.out.endswith("AGREED\n")
    assert seen.err == ("" if torch.cuda.is_available() else "torch finds no GPU here: the CPU computes\n")


def test_a_long_run_says_how_far_it_is(
    program: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "HEARTBEAT", 0.001)
    monkeypatch.setattr("compiled.crosscheck.BYTES_PER_CHUNK", 1)
    assert cli.main(["crosscheck", program, "--lengths", "1..6", "--device", "cpu"]) == 0
    said = capsys.readouterr().err
    assert "rasp: compiling, " in said
    assert " of 126 inputs, " in said


def test_a_mismatch_is_a_contradiction_of_the_tool_and_names_input_and_layer(
    program: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = compiled.compile.Compiled.model

    def torn(made: compiled.compile.Compiled) -> Transformer:
        changed = {name: value.copy() for name, value in made.weights.tensors.items()}
        changed["blocks.0.mlp.b_in"][:] -= 100
        return fill(model(made), changed)

    monkeypatch.setattr(compiled.compile.Compiled, "model", torn)
    assert cli.main(["crosscheck", program, "--lengths", "1..6"]) == 70
    seen = capsys.readouterr()
    assert "differ on a at position 0, from layer 1 on: slot " in seen.err
    assert "AGREED" not in seen.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--device", "gpu"], "no device `gpu`: models run on the CPU and on CUDA"),
        (["--device", "cuda:999"], "this machine has no device `cuda:999`"),
        (["--exhaustive", "0", "--samples", "0"], "nothing was compared"),
        (["--dtype", "float8"], "the number format `float8`"),
    ],
)
def test_what_cannot_be_done_is_a_usage_error(
    program: str, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["crosscheck", program, "--lengths", "1..4", *options]) == 2
    seen = capsys.readouterr()
    assert message in seen.err
    assert "AGREED" not in seen.out
