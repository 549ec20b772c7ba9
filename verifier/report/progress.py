"""What is said while a run goes on: a line that is rewritten on a terminal, a heartbeat in a log.

It goes to standard error. A job that says nothing for long is taken for dead, by people and by CI services.
"""

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, TextIO

HEARTBEAT: Final = 60.0
_BLINK: Final = 0.5
_ERASE: Final = "\r\x1b[K"


class Progress:
    """Counts what is done of `total` properties. Its thread speaks up; `done` and `clear` may be called from any."""

    def __init__(
        self,
        total: int,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        quiet: bool = False,
    ) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._live = self._stream.isatty()
        self._total, self._clock, self._quiet = total, clock, quiet
        self._start, self._finished, self._drawn, self._what = clock(), 0, False, ""
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._speak, daemon=True)

    def __enter__(self) -> Self:
        if not self._quiet:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self.clear()
        if self._thread.is_alive():
            self._thread.join()
        self.clear()

    def done(self) -> None:
        """One more property is decided."""
        with self._lock:
            self._finished += 1
            self._what = ""

    def tell(self, what: str) -> None:
        """What is looked at from now on."""
        with self._lock:
            self._what = what

    def clear(self) -> None:
        """Make room for a line of text."""
        with self._lock:
            if self._drawn:
                self._stream.write(_ERASE)
                self._stream.flush()
                self._drawn = False

    def text(self) -> str:
        """`12 of 40 properties, 65 s`, and what is looked at if that takes long."""
        what = f"; {self._what}" if self._what else ""
        return f"{self._finished} of {self._total} properties, {self._clock() - self._start:.0f} s{what}"

    def beat(self) -> None:
        """Say how far the run is."""
        with self._lock:
            if self._over.is_set():
                return
            self._stream.write(f"{_ERASE}rasp: {self.text()}" if self._live else f"rasp: {self.text()}\n")
            self._stream.flush()
            self._drawn = self._live

    def _speak(self) -> None:
        while not self._over.wait(_BLINK if self._live else HEARTBEAT):
            self.beat()


class Steps(Progress):
    """The same for a search, which does not know how much is left: it says what it looks at."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(0, stream, clock)
        self._what = "begins"

    def text(self) -> str:
        """`count/all, heads 1/1, lengths=1..6, 65 s`."""
        return f"{self._what}, {self._clock() - self._start:.0f} s"
