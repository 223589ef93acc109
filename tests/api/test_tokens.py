"""The token file."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gridmap.errors import NotReady
from gridmap.services.tokens import renew_token, token_of


def test_the_token_is_made_once_and_kept_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "gridmap"
    token = token_of(folder)
    assert len(token) >= 43
    assert token_of(folder) == token
    assert stat.S_IMODE((folder / "token").stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["token"]
    assert token_of(tmp_path / "other") != token


def test_many_starts_at_once_get_the_same_token(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(token_of, [tmp_path] * 64))) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["token"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o666])
def test_a_token_that_others_could_read_is_replaced(tmp_path: Path, mode: int) -> None:
    old = token_of(tmp_path)
    (tmp_path / "token").chmod(mode)
    assert token_of(tmp_path) != old
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 50])
def test_a_damaged_token_is_replaced(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    file.chmod(0o600)
    token = token_of(tmp_path)
    assert len(token) >= 43
    assert token_of(tmp_path) == token


def test_a_new_token_makes_the_old_one_worthless(tmp_path: Path) -> None:
    old = token_of(tmp_path)
    new = renew_token(tmp_path)
    assert new != old
    assert token_of(tmp_path) == new


def test_a_folder_that_cannot_be_written_gives_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotReady, match="GRIDMAP_DATA_DIR"):
        token_of(tmp_path / "file" / "below")


def test_the_mask_of_the_process_does_not_open_the_file(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        token_of(tmp_path)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600
