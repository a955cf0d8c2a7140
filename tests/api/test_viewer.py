"""Pages: whole HTML that needs neither script nor network, and says what there is to say."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha384
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from provgraph.api.viewer import pages
from tests.api.conftest import Ask, Served

_VOID = {"meta", "link", "input", "img", "br", "hr"}
_ANYWHERE_IN_SVG = {"path", "rect", "polygon", "circle", "ellipse", "line"}
HTML = {"accept": "text/html"}


class Page(HTMLParser):
    """A page as a browser reads it; what it would silently mend is in `wrong`."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.text = ""
        self.tags: list[str] = []
        assert text.startswith("<!DOCTYPE html>")
        self.feed(text)
        self.close()
        self.wrong += [f"<{tag}> is not closed" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if len(values) != len(attrs):
            self.wrong.append(f"<{tag}> says an attribute twice")
        if tag not in _VOID:
            self.open.append(tag)
        self.tags.append(tag)
        self._look(tag, values)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _ANYWHERE_IN_SVG:
            self.wrong.append(f"<{tag}/> closes nothing in HTML")
        self._look(tag, dict(attrs))

    def _look(self, tag: str, values: dict[str, str | None]) -> None:
        if "id" in values:
            self.ids.append(values["id"] or "")
        if tag == "img" and "alt" not in values:
            self.wrong.append("<img> without alt")
        if any(name.startswith("on") for name in values) or "style" in values:
            self.wrong.append(f"<{tag}> has inline script or style")
        if tag == "a":
            self.links.append(values.get("href") or "")
        for name in ("src", "href", "action"):
            if values.get(name):
                self.loads.append(str(values[name]))
        if tag == "script" and "src" not in values:
            self.wrong.append("inline script")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.wrong.append(f"</{tag}> closes <{self.open[-1] if self.open else ''}>")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.text += data


def look(client: Any, path: str, status: int = 200) -> Page:
    answer = client.get(path, headers=HTML)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = Page(answer.text)
    assert page.wrong == []
    assert len(page.ids) == len(set(page.ids))
    assert page.tags.count("h1") == 1
    assert page.tags.count("main") == 1
    away = [u for u in page.loads if not u.startswith(("/", "#")) and not u.startswith("http://www.w3.org/ns/prov#")]
    assert away == [], "nothing is loaded from elsewhere"
    assert not re.search(r"@import|url\(", answer.text)
    return page


def page_of(served: Served, name: str) -> str:
    return f"/id/{served.survey.get(name).object_id}"


def test_the_first_page_lists_what_has_a_name(served: Served) -> None:
    page = look(served.client, "/")
    assert {page_of(served, "A"), page_of(served, "near")} <= set(page.links)
    assert "absmag_u" in page.text
    (step,) = served.survey.find("class = 'FilterSources'")
    assert f"/id/{step.object_id}" not in page.links
    every = look(served.client, "/?all=1")
    assert f"/id/{step.object_id}" in every.links
    assert "FilterSources(A, redshift < 0.5)" in every.text


def test_the_first_page_of_nothing(survey: Any) -> None:
    from tests.api.conftest import serving

    with serving(survey) as client:
        assert "Nothing here yet" in look(client, "/").text
        assert "No collection has such a name" in look(client, "/?q=x").text


def test_finding_by_name(served: Served) -> None:
    page = look(served.client, "/?q=NEA")
    assert page_of(served, "near") in page.links
    assert page_of(served, "A") not in page.links


def test_pages_go_on(client: Any, nearby: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE_ROWS", 3)
    for k in range(7):
        nearby.pull("A", ["id"], where=f"redshift < 0.{k + 1}", name=f"selection {k}")
    seen, path = [], "/"
    while path:
        page = look(client, path)
        seen += [u for u in page.links if u.startswith("/id/")][:3]
        path = next((u for u in page.links if "after=" in u), "")
    named = [f"/id/{nearby.get(n).object_id}" for n in (*(f"selection {k}" for k in reversed(range(7))), "A")]
    assert [u for u in seen if u in named] == named


def test_an_object_says_all_there_is(served: Served) -> None:
    page = look(served.client, page_of(served, "near"))
    for word in ("near", "SelectAttributes", "redshift", "absmag_u", "mag", "f8", "urn:uuid:", "Made from", "Used by"):
        assert word in page.text, word
    assert "svg" in page.tags
    exports = {u.split("format=")[1] for u in page.links if u.startswith("/lineage/")}
    assert exports == set(pages.EXPORTS)
    above = [u for u in page.links if u.startswith("/id/") and u != page_of(served, "near")]
    assert above, "boxes and dependencies are links"
    for link in dict.fromkeys(above):
        look(served.client, link)


def test_what_was_ingested_shows_its_first_sources(served: Served) -> None:
    page = look(served.client, page_of(served, "A"))
    for word in ("First sources", "galaxies.fits", "deg", "redshift", "Missing"):
        assert word in page.text


def test_a_page_whose_values_are_gone(client: Any, nearby: Any) -> None:
    for name in nearby.store_.names():
        nearby.store_.delete(name)
    page = look(client, f"/id/{nearby['A'].object_id}")
    assert "First sources" not in page.text
    assert "Attributes" in page.text


def test_a_calculator(served: Served) -> None:
    page = look(served.client, f"/id/{served.survey.definition('absmag_u').object_id}")
    assert "absmag_u = mag_u - distmod(redshift)" in page.text
    assert "H0" in page.text


def test_versions_and_notes(client: Any, nearby: Any, ask: Ask) -> None:
    nearby.define_calculator("absmag_u", requires=["redshift", "mag_u"], expression="mag_u - 2", unit="mag")
    page = look(client, f"/id/{nearby.definition('absmag_u@1').object_id}")
    assert f"/id/{nearby.definition('absmag_u@2').object_id}" in page.links
    nearby.annotate("A", description="What the paper calls A.", tags=["paper"])
    page = look(client, f"/id/{nearby['A'].object_id}")
    assert "What the paper calls A." in page.text
    assert "paper" in page.text


def test_text_of_users_is_only_text(client: Any, nearby: Any) -> None:
    attack = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    nearby.annotate("A", name=attack, description=attack, tags=[attack])
    for path in (
        "/?q=" + "%3Cscript%3E",
        f"/id/{nearby['A'].object_id}",
        "/?all=1",
        f"/id/{nearby['A'].object_id}?down=9",
    ):
        page = look(client, path)
        assert "onerror" not in "".join(page.tags)
        assert "img" not in page.tags[page.tags.index("main") :]
    assert attack in look(client, f"/id/{nearby['A'].object_id}").text


def test_depth_is_in_the_address(served: Served) -> None:
    shallow = look(served.client, page_of(served, "near") + "?up=0&down=0")
    deep = look(served.client, page_of(served, "near") + "?up=9&down=0")
    assert "galaxies.fits" in deep.text
    assert "galaxies.fits" not in shallow.text


def test_graphiql_comes_from_here(served: Served) -> None:
    page = look(served.client, "/graphql")
    vendor = pages.STATIC / "vendor"
    listed = json.loads((vendor / "VENDOR.json").read_text(encoding="utf-8"))
    for one in listed:
        answer = served.client.get(f"/static/vendor/{one['file']}")
        assert one["integrity"] == "sha384-" + b64encode(sha384(answer.content).digest()).decode()
        assert f"/static/vendor/{one['file']}" in page.loads
        assert (vendor / one["licence_file"]).is_file()
    assert {p.name for p in vendor.iterdir()} == {
        "VENDOR.json",
        *(o[k] for o in listed for k in ("file", "licence_file")),
    }
    script = served.client.get("/static/graphiql.js")
    assert script.headers["content-type"].startswith(("text/javascript", "application/javascript"))
    assert "http" not in script.text
    example = re.search(r"const EXAMPLE = `(.*?)`", script.text, re.DOTALL)
    assert example is not None
    served.ask(example[1])


def test_what_graphiql_asks_first_is_answered(served: Served) -> None:
    from graphql import build_client_schema, get_introspection_query

    found = served.ask(get_introspection_query())  # the limits leave room for it
    assert "createPull" in build_client_schema(found).mutation_type.fields


@pytest.mark.parametrize(("path", "status"), [
    ("/id/x", 404), ("/id/01a1fd43-a637-7b5a-a3fb-79b2dbc0a42d", 404), ("/nothing", 404), ("/static/../app.py", 404),
    ("/static/%2e%2e/pages.py", 404), ("/pulls/x/result", 404), ("/?after=x", 400),
])  # fmt: skip
def test_errors_are_pages_for_people(served: Served, path: str, status: int) -> None:
    page = look(served.client, path, status)
    assert f"Error {status}" in page.text


@pytest.mark.parametrize("query", ["up=x", "up=-1", "down=1e3", "up=" + "9" * 50, "up=²"])
def test_a_depth_that_is_none(served: Served, query: str) -> None:
    for path in (page_of(served, "A"), page_of(served, "A").replace("/id/", "/lineage/")):
        answer = served.client.get(f"{path}?{query}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "number_invalid")


def test_style_is_ours(served: Served) -> None:
    style = served.client.get("/static/style.css")
    assert style.status_code == 200
    assert "prefers-color-scheme: dark" in style.text
    assert not re.search(r"@import|url\(", style.text)


def test_everything_static_is_packaged() -> None:
    assert {p.name for p in pages.STATIC.iterdir()} == {"style.css", "graphiql.js", "icon.svg", "vendor"}
    assert {p.name for p in Path(pages.HERE, "templates").iterdir()} == {
        "base.html", "error.html", "graphiql.html", "index.html", "thing.html",
    }  # fmt: skip


# -- lineage as documents --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", pages.EXPORTS)
def test_lineage_in_every_format(served: Served, format: str) -> None:
    near = served.survey.get("near")
    answer = served.client.get(f"/lineage/{near.object_id}", params={"up": 9, "format": format})
    assert answer.status_code == 200
    view = served.survey.lineage(near, up=9, limit=200)
    if format == "json":
        assert [n["id"] for n in answer.json()["nodes"]] == [n.id for n in view.lineage.nodes]
        assert len(answer.json()["edges"]) == len(view.lineage.edges)
    else:
        assert answer.text == view.to(format)


def test_lineage_is_read_by_prov(served: Served) -> None:
    prov = pytest.importorskip("prov.model")
    answer = served.client.get(f"{page_of(served, 'near').replace('/id/', '/lineage/')}?up=9")
    assert answer.headers["content-type"] == "application/json"
    document = prov.ProvDocument.deserialize(content=answer.text, format="json")
    assert len(list(document.get_records(prov.ProvEntity))) > 3


def test_an_unknown_format_of_lineage(served: Served) -> None:
    answer = served.client.get(page_of(served, "A").replace("/id/", "/lineage/") + "?format=xml")
    assert (answer.status_code, answer.json()["error"]["code"]) == (406, "not_acceptable")


def test_a_page_says_whether_it_is_up_to_date_and_why_it_is(client: Any, nearby: Any) -> None:
    pull = nearby.pull(
        "A", ["id", "absmag_u"], where="redshift < 0.1", name="near", parameters={"absmag_u": {"H0": 67}}
    )
    address = f"/id/{pull.result.object_id}"
    page = look(client, address)
    assert "up to date" in page.text
    assert "Asked for id, absmag_u where redshift < 0.1" in " ".join(page.text.split())
    assert "nothing represents the sources of A" in page.text
    assert '"H0": 67' in page.text
    assert '"ranking"' not in page.text  # the statement itself is for machines
    definition = nearby.definition("absmag_u")
    assert "Declared invalid" not in look(client, f"/id/{definition.object_id}").text
    nearby.invalidate("absmag_u", "the <zero> point was wrong")
    page = look(client, address)
    assert "out of date" in page.text
    assert (
        "it rests on what was calculated by absmag_u@1, which was declared invalid: the <zero> point was wrong"
        in page.text
    )
    assert "Declared invalid: the <zero> point was wrong" in " ".join(
        look(client, f"/id/{definition.object_id}").text.split()
    )
    nearby.validate("absmag_u", "it was right")
    assert "up to date" in look(client, address).text
    assert "Declared invalid" not in look(client, f"/id/{definition.object_id}").text
    look(client, f"/id/{nearby['A'].object_id}")
