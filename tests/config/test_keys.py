import stat

import pytest

from config import keys


def test_a_secret_is_made_once_and_for_its_owner_alone(tmp_path):
    path = tmp_path / "keys" / "secret"
    made = keys.read_or_make(path, lambda: "first")
    assert made == keys.read_or_make(path, lambda: "second") == "first"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_secret_that_others_can_read_is_refused_with_the_remedy(tmp_path):
    path = tmp_path / "secret"
    keys.read_or_make(path, lambda: "first")
    path.chmod(0o644)
    with pytest.raises(SystemExit, match="chmod 600"):
        keys.read_or_make(path, lambda: "second")


def test_a_data_folder_that_is_a_file_is_one_clear_line(tmp_path):
    (tmp_path / "var").write_text("a file")
    with pytest.raises(SystemExit, match="cannot be written"):
        keys.read_or_make(tmp_path / "var" / "keys" / "secret", lambda: "first")
