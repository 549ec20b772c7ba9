"""Reading files: decoded, bounded, and only regular ones."""

from pathlib import Path

import pytest

from spec.diagnostics import LoadError
from spec.reader import read_source


def test_a_file_is_decoded_and_its_newlines_unified(tmp_path: Path) -> None:
    path = tmp_path / "a.rasp"
    path.write_bytes(b'\xef\xbb\xbfx = 1;\r\ny = "\xc3\xa9";\rz;')
    source = read_source(path)
    assert (source.name, source.text) == (str(path), 'x = 1;\ny = "é";\nz;')


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"x = 1;\n\xff", "R0112", "byte 0xff at offset 7 (line 2)"),
        (b"x = \0;", "R0113", "NUL"),
        (b"x" * 65, "R0111", "64 bytes"),
    ],
)
def test_unreadable_files_say_why(tmp_path: Path, data: bytes, code: str, words: str) -> None:
    path = tmp_path / "a.rasp"
    path.write_bytes(data)
    with pytest.raises(LoadError, match=r"a\.rasp") as caught:
        read_source(path, limit=64)
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert words in found.message


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.rasp", Path("/dev/zero"), tmp_path / "a\0b"):
        with pytest.raises(LoadError) as caught:
            read_source(path)
        assert caught.value.diagnostics[0].code == "R0110"
