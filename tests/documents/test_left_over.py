"""The folder of imported documents: what it takes, and what interrupted imports left in it; what is referenced stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provgraph.store.locks import locked
from tests.surveys import open_survey, survey  # noqa: F401

ONE = "document\n  prefix ex <http://example.org/>\n  entity(ex:{0})\nendDocument\n"


def rooms(survey: Any) -> dict[str, tuple[int, int]]:
    return {room.kind: (room.files, room.bytes) for room in survey.du()}


def imported(survey: Any, folder: Path, name: str) -> Any:
    file = folder / f"{name}.provn"
    file.write_text(ONE.format(name))
    return survey.import_prov(file)


def test_what_it_takes_is_told_and_what_is_referenced_stays(survey: Any, tmp_path: Path) -> None:
    assert survey.clean() == []
    stored = imported(survey, tmp_path, "a")
    kept = survey.library.original(stored)
    files, size = rooms(survey)["imported documents"]
    assert (files, size) == (2, kept.stat().st_size)  # with the lock, which is empty
    assert survey.clean() == survey.clean(dry_run=False) == []
    assert survey.export(stored, original=True) == kept.read_bytes()


def test_what_an_interrupted_import_left_is_found_and_removed(
    survey: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = imported(survey, tmp_path, "a")
    other = tmp_path / "b.provn"
    other.write_text(ONE.format("b"))
    monkeypatch.setattr(survey.library, "_write", lambda *_: 1 / 0)  # the graph never hears of it
    monkeypatch.setattr(survey.library.raw, "drop", lambda _: None)  # and there is no time to take it back
    with pytest.raises(ZeroDivisionError):
        survey.import_prov(other)
    monkeypatch.undo()
    [orphan] = [p for p in survey.library.raw.files() if p.read_text() == ONE.format("b")]
    part = orphan.with_name(f".{orphan.name}.1.gone.part")
    part.write_text("docu")
    assert {(r.path, r.bytes) for r in survey.clean()} == {(orphan, orphan.stat().st_size), (part, 4)}
    assert rooms(survey)["not needed (clean)"][0] == 2
    assert {r.why for r in survey.clean()} == {"its import was not finished", "no imported document has these bytes"}
    assert orphan.exists(), "it was only told"
    survey.clean(dry_run=False)
    assert not orphan.exists()
    assert not part.exists()
    assert survey.clean() == []
    assert survey.export(stored, original=True) == ONE.format("a").encode()
    again = survey.import_prov(other)
    assert survey.export(again, original=True) == other.read_bytes()


def test_while_somebody_imports_nothing_is_left_over(survey: Any, tmp_path: Path) -> None:
    imported(survey, tmp_path, "a")
    orphan = survey.library.raw.path("sha256:" + "0" * 64)
    orphan.parent.mkdir(parents=True, exist_ok=True)
    orphan.write_text("being stored")
    with locked(survey.library.raw.directory / "import.lock", keep=True):
        assert survey.clean() == []
    assert [r.path for r in survey.clean()] == [orphan]
