"""The boundary of the command line: our own errors are one sentence, wherever they come from."""

import pytest

from finpulse_assets.cli import app as command_line
from finpulse_assets.errors import SettingError


def test_our_own_error_behind_a_librarys_is_its_sentence(monkeypatch, capsys):
    def load():
        try:
            try:
                raise SettingError("the folder a*b holds *", hint="choose another")
            except SettingError as error:
                raise RuntimeError("while loading definitions") from error
        except RuntimeError:
            raise LookupError("in the component tree")  # noqa: B904

    monkeypatch.setattr(command_line, "app", load)
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert "SettingError: the folder a*b holds *. Hint: choose another" in " ".join(said.split())
    assert "unexpected" not in said
