"""Declarations, identity, and what is fixed once stored."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import numpy as np
import pytest

from provgraph.errors import Immutable, InvalidInput, UsageError
from provgraph.schema import keys
from provgraph.schema.meta import registry
from provgraph.schema.objects import DBObject
from provgraph.schema.properties import Reference, link, persistent

SYSTEM = {"object_id": "s", "identity": "s", "version": 1, "repeat": 0, "created": "", "creator": "", "project": ""}


class Plate(DBObject):
    """A photographic plate."""

    emulsion = persistent(str, doc="maker and type", default="103a-O")
    exposure = persistent(float, unit="s")
    taken = persistent(datetime, default=datetime(1951, 1, 1, tzinfo=UTC))
    corners = persistent(list[float], default=())


class Scan(Plate):
    plate = link(Plate)
    neighbours = link(list[Plate], optional=True)


def test_declarations_are_collected_and_inherited() -> None:
    assert list(Scan.persistents) == ["emulsion", "exposure", "taken", "corners"]
    assert list(Scan.links) == ["plate", "neighbours"]
    assert Scan.labels == ("Entity", "DBObject", "Plate", "Scan")
    assert Plate.persistents["exposure"].unit == "s"
    assert registry["Scan"] is Scan


def test_values_are_checked_and_made_plain() -> None:
    plate = Plate(exposure=np.float32(2.5), corners=[1, 2.5])
    assert (type(plate.exposure), plate.exposure) == (float, 2.5)
    assert plate.corners == (1.0, 2.5)
    assert plate.emulsion == "103a-O"
    for wrong in ({"exposure": "long"}, {"exposure": True}, {"exposure": 1.0, "corners": "ab"}):
        with pytest.raises(InvalidInput, match="Plate"):
            Plate(**wrong)
    with pytest.raises(InvalidInput, match="Plate needs exposure"):
        Plate()
    with pytest.raises(InvalidInput, match=r"did you mean 'exposure'\?"):
        Plate(exposur=1.0)


def test_a_link_takes_its_class_and_subclasses() -> None:
    plate = Plate(exposure=1.0)
    scan = Scan(exposure=2.0, plate=plate)
    again = Scan(exposure=2.0, plate=scan, neighbours=[plate, scan])
    assert [(r, i) for r, i, _ in again.dependencies()] == [("plate", 0), ("neighbours", 0), ("neighbours", 1)]
    assert scan.neighbours is None
    with pytest.raises(InvalidInput, match="must be a Plate"):
        Scan(exposure=1.0, plate="plate 7")


def test_reserved_names_and_repeated_classes_are_refused() -> None:
    with pytest.raises(InvalidInput) as caught:

        class Bad(DBObject):
            version = persistent(int)

    assert caught.value.code == "reserved_name"
    with pytest.raises(InvalidInput) as caught:

        class Plate(DBObject):
            pass

    assert caught.value.code == "class_name_taken"


def test_stored_objects_are_fixed() -> None:
    plate = Plate(exposure=1.0)
    plate.exposure = 2.0
    plate.adopt({**SYSTEM, "object_id": "a"})
    with pytest.raises(Immutable, match="new version"):
        plate.exposure = 3.0
    with pytest.raises(UsageError, match="not stored"):
        Plate(exposure=1.0).home()


def test_a_link_is_read_when_it_is_looked_at() -> None:
    plate = Plate(exposure=1.0)
    read: list[str] = []

    def load(object_id: str) -> Plate:
        read.append(object_id)
        return plate

    system = SYSTEM
    scan = Scan.restore(
        {**system, "exposure": 3, "taken": "1951-01-01T00:00:00+00:00"}, {"plate": [Reference("p", load)]}
    )
    assert read == []
    assert scan.plate is plate
    assert scan.plate is plate
    assert read == ["p"]
    assert (type(scan.exposure), scan.exposure) == (float, 3.0)
    assert scan.taken == datetime(1951, 1, 1, tzinfo=UTC)


def test_ids_sort_by_time_and_keys_by_content() -> None:
    ids = [keys.new_id() for _ in range(3)]
    assert all(UUID(i).version == 7 for i in ids)
    assert [i[:8] for i in ids] == sorted(i[:8] for i in ids)
    assert keys.lineage_key("A", {"b": 1, "a": 2}) == keys.lineage_key("A", {"a": 2, "b": 1})
    assert keys.source_set_key(["s:1", "c:2"]) == keys.source_set_key(["c:2", "s:1"])
    assert len(keys.now()) == len("2026-11-21T07:41:00.123456Z")
