"""The prompt answers what the reference implementation answers."""

import io
from pathlib import Path

import pytest

from spec.repl import main, run_repl
from tests.transcripts import FOLDER, comparable, sessions, typed_lines

WELCOME = "RASP 0.1\nrunning example is: hello\n"


def answer(*lines: str, folder: Path | None = None) -> str:
    """What the prompt says after its welcome."""
    said: list[str] = []
    assert run_repl(lines, said.append, folder=folder) == 0
    text = "".join(said)
    assert text.startswith(WELCOME)
    return text.removeprefix(WELCOME)


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.in")))
def test_transcript_is_the_reference_implementations(name: str, checkout: Path) -> None:
    for typed, expected in sessions(name):
        said: list[str] = []
        run_repl(typed_lines(typed), said.append, folder=checkout)
        assert comparable("".join(said)) == comparable(expected)


def test_comparison_of_transcripts_sees_a_changed_value() -> None:
    """A negative control: only the sentences named in `comparable` are blanked."""
    said = answer("indices;")

    assert comparable(said) != comparable(said.replace("[0, 1", "[0, 2"))
    assert comparable(said) != comparable(said.replace("s-op:", "selector:"))


def test_main_reads_and_writes_streams_and_flushes_prompts() -> None:
    class Flushing(io.StringIO):
        flushed = ""

        def flush(self) -> None:
            self.flushed = self.getvalue()

    out = Flushing()

    assert main(io.StringIO("1+1;\nexit\n"), out) == 0
    assert out.flushed == WELCOME + ">>     value: out =  2\n>> "


def test_end_of_input_ends_the_line() -> None:
    assert answer("1;") == ">>     value: out =  1\n>> \n"


def test_conversations_do_not_share_state() -> None:
    answer("tokens = tokens_int;", "x = indices;", 'set example "ab"')

    assert answer("[indices, tokens];").count("[0, 1, 2, 3, 4]") == 1
    assert "Undefined variable: x" in answer("x;")


class Interrupted:
    """Lines, with an interrupt where a terminal would raise it on Ctrl-C."""

    def __init__(self, *steps: str | None) -> None:
        self.steps = iter(steps)

    def __iter__(self) -> "Interrupted":
        return self

    def __next__(self) -> str:
        step = next(self.steps)
        if step is None:
            raise KeyboardInterrupt
        return step


def test_interrupt_drops_the_pending_statement_and_goes_on() -> None:
    said: list[str] = []

    run_repl(Interrupted("1 +", None, "2;"), said.append)

    assert "".join(said).removeprefix(WELCOME) == ">> .. \n>>     value: out =  2\n>> \n"


def test_draw_hands_over_a_title_and_a_picture_where_there_is_a_value() -> None:
    seen: list[str] = []

    def picture(title: str, svg: str) -> None:
        assert svg.startswith("<svg ")
        seen.append(title)

    run_repl(["draw(indices);", 'draw(length,"abc");', "draw(full_s);", "draw(1/indices);"], len, picture=picture)

    assert seen == ['indices("hello")', 'length("abc")']


def test_drawings_are_saved_under_names_that_stay_in_their_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    main(io.StringIO('draw(tokens,"../../x");\n'), io.StringIO())

    (saved,) = (tmp_path / "comp_flows").iterdir()
    assert list(tmp_path.iterdir()) == [saved.parent]
    assert saved.name in capsys.readouterr().err


def test_endless_loading_ends(tmp_path: Path) -> None:
    (tmp_path / "loop.rasp").write_text('x = 1;\nload "loop";\ny = 2;\n')

    said = answer('load "loop";', "y;", folder=tmp_path)

    assert "something went wrong: maximum recursion depth exceeded" in said
    assert said.endswith(">>     value: y =  2\n>> \n")


def test_unreadable_file_is_reported_and_the_conversation_goes_on(tmp_path: Path) -> None:
    (tmp_path / "latin.rasp").write_bytes(b'x = "\xe9";\n')

    said = answer('load "latin";', "1;", folder=tmp_path)

    assert "something went wrong: " in said
    assert said.endswith(">>     value: out =  1\n>> \n")


@pytest.mark.parametrize(
    "statement",
    [
        "9^999999999;",
        'x = "a"*999999999;',
        "range(999999999999);",
        "def f(n) { return f(n+1); } ",
        "2.0^99999;",
        "indices(range(9999));",
    ],
)
def test_costly_statement_is_refused_and_the_conversation_goes_on(statement: str) -> None:
    said = answer(statement, "f(0);", "1;")

    assert "something went wrong: " in said
    assert said.endswith(">>     value: out =  1\n>> \n")


def test_files_cannot_reach_outside_the_folders_they_are_loaded_from(tmp_path: Path) -> None:
    (tmp_path / "secret.rasp").write_text("key = 7;\n")
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "escape.rasp").write_text('load "../secret";\n')
    (tmp_path / "work" / "link.rasp").symlink_to(tmp_path / "secret.rasp")
    (tmp_path / "work" / "follow.rasp").write_text('load "link";\n')

    for name in "escape", "follow":
        said = answer(f'load "{name}";', "key;", folder=tmp_path / "work")
        assert "is outside the folders" in said
        assert "Undefined variable: key" in said
    assert "value: key =  7" in answer('load "../secret";', 'load "escape";', folder=tmp_path / "work")


@pytest.mark.parametrize("name", ["a\0b", "n" * 5000, "work", "."])
def test_impossible_file_names_are_reported(name: str, tmp_path: Path) -> None:
    (tmp_path / "work.rasp").mkdir()

    said = answer(f'load "{name}";', "1;", folder=tmp_path)

    assert "something went wrong: " in said or "could not find file" in said
    assert said.endswith(">>     value: out =  1\n>> \n")


def test_undecodable_input_is_read_all_the_same() -> None:
    source = io.TextIOWrapper(io.BytesIO(b'x = "\xff";\n1;\n'), encoding="utf-8")
    said = io.BytesIO()
    sink = io.TextIOWrapper(said, encoding="ascii", write_through=True)

    assert main(source, sink) == 0
    assert said.getvalue().endswith(b">>     value: out =  1\n>> \n")


def test_evaluation_on_a_long_example_is_bounded() -> None:
    loop = "for i in range(1000) { s = select(indices,indices,<) and select(indices,i,==); }"

    said = answer("set example range(1000)", loop, "1;")

    assert "something went wrong: the script needs more than" in said
    assert said.endswith(">>     value: out =  1\n>> \n")
