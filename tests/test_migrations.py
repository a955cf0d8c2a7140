"""A survey of every schema version that was released stays openable: its names, lineage and values as they were.

A new sample is made with ``python -m tests.test_migrations`` when a release changes the schema version.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path

import pytest

import provgraph
from provgraph.graph.setup import SCHEMA_VERSION

SAMPLES = Path(__file__).parent / "data" / "surveys"
CSV = "id,z,mag\n" + "".join(f"{7 * n},{n / 20},{15 + n / 4}\n" for n in range(1, 21))
REQUEST = ("sample", ["id", "absmag"])
WHERE = "z < 0.4 and mag > 15.5"
EXPECTED_IDS = [21, 28, 35, 42, 49]


def test_there_is_a_sample_of_this_schema() -> None:
    assert (SAMPLES / f"schema-{SCHEMA_VERSION}.zip").is_file()


@pytest.mark.embedded
@pytest.mark.parametrize("sample", sorted(p.stem for p in SAMPLES.glob("*.zip")))
def test_a_sample_survey_opens(sample: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(SAMPLES / f"{sample}.zip") as archive:
        archive.extractall(tmp_path / "survey")
    with provgraph.open(tmp_path / "survey", create=False) as survey:
        pull = survey.pull(*REQUEST, where=WHERE, name="selected")
        table = pull.table()
        assert table["id"].tolist() == EXPECTED_IDS
        assert pull.measured is not None
        assert (pull.measured.filtered, pull.measured.calculated) == (0, {})  # stored then, found now
        assert survey["selected"].object_id == pull.result.object_id
        assert {n.class_name for n in survey.lineage("selected").nodes} >= {"External", "Segment", "DataFile"}


def make(target: Path) -> None:
    """Write a sample of the present schema."""
    folder = Path(tempfile.mkdtemp())
    try:
        (folder / "sample.csv").write_text(CSV)
        with provgraph.open(folder / "survey") as survey:
            survey.ingest(folder / "sample.csv", name="sample", id="id")
            survey.define_calculator("absmag", requires=["z", "mag"], expression="mag - distmod(z)", unit="mag")
            survey.pull(*REQUEST, where=WHERE, name="selected").table()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for path in sorted((folder / "survey").rglob("*")):
                if path.is_file() and path.suffix not in (".lck", ".wal", ".sock"):
                    archive.write(path, path.relative_to(folder / "survey"))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    SAMPLES.mkdir(parents=True, exist_ok=True)
    make(SAMPLES / f"schema-{SCHEMA_VERSION}.zip")
