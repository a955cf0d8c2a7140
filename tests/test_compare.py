"""survey.diff on real pipelines and catalogs on both engines, and the pages that show it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import provgraph
from provgraph import link, persistent, process_params
from provgraph.errors import InvalidInput, NotFound, UsageError
from provgraph.export.beside import documents
from provgraph.graph.differences import BOTH, CONFLICT, LEFT, NO, POSSIBLY, RIGHT, YES
from provgraph.prov import provn
from provgraph.prov.difference import diff
from tests.export.lineages import EVIL
from tests.surveys import OpenSurvey, galaxies, open_survey, survey, write_fits  # noqa: F401


class DiffRaw(provgraph.DataObject):
    n = persistent(int, unit="ct")


class DiffCuts(provgraph.Parameters):
    cut = persistent(float, default=1.0, unit="mm")
    label = persistent(str, default="plain")


class DiffFlat(provgraph.DataObject, provgraph.ProcessTarget):
    raws = link(list[DiffRaw])
    cuts = process_params(DiffCuts)
    level = persistent(float, unit="ct")

    def make(self) -> None:
        self.level = float(sum(raw.n for raw in self.raws)) * self.cuts.cut
        self.attach(b"x" * int(self.level))


class DiffReduced(provgraph.DataObject, provgraph.ProcessTarget):
    raw = link(DiffRaw)
    flat = link(DiffFlat)

    def make(self) -> None:
        self.attach(bytes([self.raw.n]) + self.flat.retrieve().read_bytes()[:6])


class DiffCoadd(provgraph.DataObject, provgraph.ProcessTarget):
    frames = link(list[DiffReduced])

    def make(self) -> None:
        self.attach(b"".join(frame.retrieve().read_bytes() for frame in self.frames))


@pytest.fixture
def night(survey: Any) -> Any:
    """Raws, and a coadd of three of them, called deep."""
    raws = [survey.store(DiffRaw(n=n, file=bytes([n]) * 9)) for n in range(1, 8)]
    flat = survey.make(DiffFlat(raws=raws[:2]))
    deep = survey.make(DiffCoadd(frames=[DiffReduced(raw=raw, flat=flat) for raw in raws[3:6]]))
    survey.annotate(flat, name="dome")
    survey.annotate(deep, name="deep")
    return survey, raws, flat, deep


def told(found: Any) -> list[tuple[str, str, str, str]]:
    return [(c.kind, c.role, ", ".join(map(str, c.details)), c.reaches) for c in found]


def test_a_pipeline_made_again_with_other_things(night: Any) -> None:
    survey, raws, *_ = night
    better = survey.new_version(raws[0], n=2)
    other = DiffFlat(raws=[better, raws[1]], cuts=DiffCuts(cut=1.25))
    wide = survey.make(DiffCoadd(frames=[DiffReduced(raw=raw, flat=other) for raw in raws[3:7]]))
    found = survey.diff("deep", wide)
    assert found.content == "different"
    assert told(found) == [
        ("added", "frames[3]", "", YES),
        ("parameter", "cuts", "cut 1.0 → 1.25 mm", YES),
        ("input", "raws[0]", "n 1 → 2 ct", YES),
    ]
    assert [[n.class_name for n in two] for two in found.changes[2].chain] == [["DiffFlat"] * 2, ["DiffReduced"] * 2]
    assert "of DiffFlat dome@1 → …" in str(found)
    assert survey.diff(wide, wide).same
    assert not survey.diff(wide, "deep").same


def test_what_equal_content_cuts_off_comes_last(night: Any) -> None:
    survey, raws, _, deep = night
    long = [survey.make(DiffFlat(raws=raws[4:6], cuts=DiffCuts(label=label))) for label in ("plain", "bold")]
    one, other = (survey.make(DiffCoadd(frames=[DiffReduced(raw=raw, flat=flat) for raw in raws[:2]])) for flat in long)
    assert told(survey.diff(one, other)) == [("parameter", "cuts", "label plain → bold", NO)]
    found = survey.diff(one, other)
    assert found.content == "same"
    assert [[n.class_name for n in two] for two in found.changes[0].cut_off] == [["DiffFlat"] * 2]
    bright = [survey.make(DiffFlat(raws=raws[4:6], cuts=DiffCuts(cut=cut))) for cut in (2.0, 3.0)]
    fresh = survey.store(DiffRaw(n=9, file=b"9"))
    one = survey.make(DiffCoadd(frames=[DiffReduced(raw=raws[0], flat=bright[0])]))
    other = survey.make(DiffCoadd(frames=[DiffReduced(raw=fresh, flat=bright[1])]))
    found = survey.diff(one, other)
    assert {(c.kind, c.reaches) for c in found} == {("input", YES), ("parameter", YES)}, (
        "both are on the way of what differs"
    )
    still = survey.make(DiffCoadd(frames=[DiffReduced(raw=raws[0], flat=bright[1])]))
    [cut] = survey.diff(one, still)
    assert (cut.kind, cut.reaches) == ("parameter", NO)
    assert [two[0].class_name for two in cut.chain] == ["DiffFlat"], "it went so far"
    assert [two[0].class_name for two in cut.cut_off] == ["DiffReduced"], "and no further"
    assert deep.object_id not in found.alignments[0].nodes


def test_with_a_common_ancestor(night: Any) -> None:
    survey, raws, _, deep = night
    survey.new_version(raws[1], n=4)
    left = survey.make(deep)  # the next version: a new raw frame
    mine = DiffFlat(raws=[raws[0], survey.versions(raws[1])[0]], cuts=DiffCuts(cut=3.0))
    right = survey.make(DiffCoadd(frames=[DiffReduced(raw=raw, flat=mine) for raw in raws[3:6]]))
    found = survey.diff(left, right, deep)
    assert {(c.kind, c.side) for c in found} == {("input", BOTH), ("parameter", RIGHT)}
    assert [c.kind for c in found.explaining] == ["parameter"]
    assert {(c.kind, c.side) for c in survey.diff(deep, left, True)} == {("input", RIGHT)}
    assert {(c.kind, c.side) for c in survey.diff(left, deep, True)} == {("input", LEFT)}
    other = DiffFlat(raws=list(raws[:2]), cuts=DiffCuts(cut=5.0))
    against = survey.make(DiffCoadd(frames=[DiffReduced(raw=raw, flat=other) for raw in raws[3:6]]))
    sides = {(c.kind, c.side) for c in survey.diff(right, against, deep)}
    assert sides == {("input", BOTH), ("parameter", CONFLICT)}, "make takes the newest raw frame"
    with pytest.raises(InvalidInput) as error:
        survey.diff(raws[0], raws[3], True)
    assert error.value.code == "no_common_ancestor"


def test_other_code(night: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    survey, raws, flat, deep = night

    def make(self: Any) -> None:
        self.attach(bytes([self.raw.n + 1]) + self.flat.retrieve().read_bytes()[:6])

    make.__qualname__ = DiffReduced.make.__qualname__
    monkeypatch.setattr(DiffReduced, "make", make)
    again = survey.make(DiffCoadd(frames=[DiffReduced(raw=raw, flat=flat) for raw in raws[3:6]]), force=True)
    found = survey.diff(deep, again)  # a frame now has the content that the frame beside it had
    [code] = found
    assert (code.kind, code.reaches, code.uses) == ("code", YES, 3)
    assert code.details[0].old != code.details[0].new


def test_source_collections(survey: Any, tmp_path: Path) -> None:
    for seed, name in ((1, "A"), (2, "B")):
        file = write_fits(tmp_path / f"{name}.fits", galaxies(100, seed=seed))
        survey.ingest(file, name=name, id="id", units={"redshift": ""})
    survey.define_calculator("absmag_u", requires=["redshift", "mag_u"], expression="mag_u - distmod(redshift)", unit="mag",
                             ucd="phys.magAbs;em.opt.U")  # fmt: skip
    for start, where, name in (
        ("A", "absmag_u < -20", "bright"),
        ("B", "absmag_u < -19", "faint"),
        ("A", "absmag_u < -19", "dim"),
    ):
        survey.pull(start, ["absmag_u", "ra"], where=where, name=name).table()
    found = survey.diff("bright", "dim")
    assert told(found) == [("parameter", "criterion", "criterion absmag_u < -20 → absmag_u < -19", POSSIBLY)]
    found = survey.diff("bright", "faint")
    assert {(c.kind, c.role) for c in found} == {("parameter", "criterion"), ("input", "file")}
    [file] = [c for c in found if c.kind == "input"]
    assert [d.name for d in file.details] == ["digest"]
    assert [n.label for n in file.nodes] == ["A.fits", "B.fits"]
    assert {n.label for two in file.chain for n in two} >= {"A@1", "B@1"}


class Page(HTMLParser):
    """What a page has: ids, links, and everything that could load or run something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.marked: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        assert not any(name.startswith("on") or name in ("src", "style") for name in given), (tag, given)
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if given.get("href"):
            self.links.append(str(given["href"]))
        if (
            tag == "g"
            and "node" in str(given.get("class"))
            and {"sure", "maybe", "off"} & set(str(given.get("class")).split())
        ):
            self.marked.add(str(given["id"]))


def check(text: str) -> Page:
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert not page.tags & {"script", "link", "img", "iframe", "object", "use", "image"}
    assert not re.search(r"@import|url\(", text)
    return page


def test_the_page_has_both_lineages_and_leads_to_what_changed(night: Any, tmp_path: Path) -> None:
    survey, raws, _, deep = night
    other = DiffFlat(raws=[raws[0], raws[2]], cuts=DiffCuts(label=EVIL))
    wide = survey.make(DiffCoadd(frames=[DiffReduced(raw=raw, flat=other) for raw in raws[3:6]]))
    found = survey.diff(deep, wide)
    text = found.write(tmp_path / "two.html").read_text(encoding="utf-8")
    page = check(text)
    assert "<script" not in text
    assert text.count("<svg") == 2
    assert {i[0] for i in page.marked} == {"a", "b"}
    assert {f"#{i}" for i in page.marked} <= set(page.links)
    assert {f"#c{i}" for i in range(len(found))} <= set(page.links)
    check(survey.diff(deep, wide, deep).html())
    both = survey.diff(
        wide, survey.make(DiffCoadd(frames=[DiffReduced(raw=raw, flat=other) for raw in raws[3:5]])), deep
    )
    assert BOTH in {c.side for c in both}
    right = check(both.html())
    frames = both.html().split("<svg")[2].count(">DiffReduced</text>")
    assert frames == 2, "the right has its own frames only"
    assert right.marked
    plain = json.loads(found.write(tmp_path / "two.json").read_text())
    assert set(plain) == {
        "same", "before", "after", "ancestor", "content", "parameter", "code", "environment", "input", "added", "removed",
        "values", "changes", "complete", "statements", "seconds",
    }  # fmt: skip
    assert set(plain["changes"][0]) == {
        "kind", "before", "after", "details", "of", "role", "uses", "reaches", "chain", "cut_off", "side", "other", "sentence",
        "way",
    }  # fmt: skip
    assert found.write(tmp_path / "two.txt").read_text() == f"{found}\n"
    with pytest.raises(UsageError):
        found.write(tmp_path / "two.png")


def test_the_page_of_two_documents() -> None:
    text = """document
      prefix ex <http://e/>
      entity(ex:a, [prov:label="%s"])
      activity(ex:run)
      used(ex:run, ex:a, -)
      agent(ex:me)
      wasAssociatedWith(ex:run, ex:me, -)
      bundle ex:b
        entity(ex:a)
        hadMember(ex:c, ex:d)
      endBundle
    endDocument"""
    one = provn.read(text % "plain")
    other = provn.read(
        (text % "</title><script>alert(1)</script>").replace("used(ex:run, ex:a, -)", "wasGeneratedBy(ex:a, ex:run, -)")
    )
    found = diff(one, other)
    said = documents(one, other, found, ("one <b>", "other"))
    page = check(said)
    assert "<script" not in said
    assert "one &lt;b&gt;" in said
    assert len([i for i in page.ids if i.startswith("c")]) == len(found.changes) == 3
    assert page.marked
    assert not check(documents(one, one, diff(one, one))).marked


def test_documents_of_the_survey_files_and_bundles(survey: Any, tmp_path: Path) -> None:
    text = "document\n prefix ex <http://example.org/>\n entity(ex:e)\n bundle ex:b\n entity(ex:f)\n endBundle\nendDocument\n"
    paths = [tmp_path / name for name in ("one.provn", "two.provn")]
    paths[0].write_text(text)
    paths[1].write_text(text.replace("entity(ex:f)", "entity(ex:g)"))
    one, two = map(survey.import_prov, paths)
    changed = ["+ entity(ex:g)", "- entity(ex:f)"]
    assert sorted(line[:14] for line in str(survey.diff(one, two)).splitlines()[1:]) == changed
    for same in (one.id, one.iri, "one.provn", str(paths[0]), paths[0], survey.document(one)):
        assert survey.diff(one, same).same, same
    [bundle] = survey.document(one).bundles
    for reference in (bundle, survey.library.bundle("http://example.org/b", one.id)):
        assert survey.diff(reference, provn.read(text.replace("entity(ex:e)\n", "").replace("bundle ex:b", "")
                                                 .replace(" endBundle", ""))).same  # fmt: skip
    with pytest.raises(InvalidInput, match="2 documents have a bundle") as error:
        survey.diff("http://example.org/b", one)
    assert error.value.code == "document_ambiguous"
    with pytest.raises(InvalidInput, match="no common ancestor"):
        survey.diff(one, two, True)
    with pytest.raises(NotFound, match="nowhere"):
        survey.diff(one, "nowhere.provn")
    raw = survey.store(DiffRaw(n=1, file=b"1"), name="raw")
    assert survey.diff(raw, survey.as_prov("raw")).same
    assert survey.diff("raw", "raw").content == "same"
    assert survey.validate_prov(raw).valid
    assert survey.validate_prov(bundle).checked == 1
    assert survey.as_prov(bundle) == bundle.document()
    three = tmp_path / "three.provn"
    three.write_text(text.replace("ex:b", "ex:c"))
    survey.import_prov(three)
    assert survey.validate_prov("http://example.org/c").checked == 1
    assert provn.read(survey.export(bundle, format="prov-n")) == bundle.document()
