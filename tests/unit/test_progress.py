"""What is said while a run goes on."""

from io import StringIO

from verifier.report.progress import Progress, Steps


class _Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def _progress(stream: StringIO) -> Progress:
    times = iter([0.0, 65.0, 130.0, 190.0])
    return Progress(40, stream, lambda: next(times))


def test_a_log_gets_a_line_for_each_beat() -> None:
    log = StringIO()
    progress = _progress(log)
    progress.beat()
    progress.done()
    progress.beat()
    progress.clear()
    assert log.getvalue() == "rasp: 0 of 40 properties, 65 s\nrasp: 1 of 40 properties, 130 s\n"


def test_a_search_that_takes_long_is_named_until_its_property_is_decided() -> None:
    log = StringIO()
    progress = _progress(log)
    progress.tell("sorted n = 24: 3% of 16777216 inputs")
    progress.beat()
    progress.done()
    progress.beat()
    assert log.getvalue() == (
        "rasp: 0 of 40 properties, 65 s; sorted n = 24: 3% of 16777216 inputs\nrasp: 1 of 40 properties, 130 s\n"
    )


def test_a_terminal_gets_one_line_that_is_erased_before_anything_else_is_printed() -> None:
    terminal = _Terminal()
    progress = _progress(terminal)
    progress.beat()
    progress.clear()
    progress.clear()
    assert terminal.getvalue() == "\r\x1b[Krasp: 0 of 40 properties, 65 s\r\x1b[K"


def test_nothing_is_said_after_the_end() -> None:
    log = StringIO()
    with _progress(log) as progress:
        pass
    progress.beat()
    assert log.getvalue() == ""


def test_a_search_says_what_it_looks_at() -> None:
    log = StringIO()
    times = iter([0.0, 65.0])
    steps = Steps(log, lambda: next(times))
    steps.tell("count/all, heads 1/1")
    steps.beat()
    assert log.getvalue() == "rasp: count/all, heads 1/1, 65 s\n"
