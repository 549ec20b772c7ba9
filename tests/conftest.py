"""Fixtures that every test may use."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def checkout() -> Path:
    """Return the root of the checkout that these tests belong to."""
    return Path(__file__).resolve().parent.parent
