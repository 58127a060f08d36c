"""What the tests of readers share."""

from __future__ import annotations

import pytest


@pytest.fixture
def file(tmp_path):
    """A function that writes a text, or bytes, to a file and returns its path."""

    def write(text, name="people.csv"):
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path / name

    return write
