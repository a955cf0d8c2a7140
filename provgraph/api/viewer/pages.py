"""The pages: a list of collections, an object, a place to write GraphQL, an error."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from provgraph import names
from provgraph.api import limits, loaders
from provgraph.api.context import Service
from provgraph.api.security import POLICY
from provgraph.errors import InvalidInput, NotFound, ProvgraphError
from provgraph.resolver.why import PULLED
from provgraph.schema.calculator import AttributeCalculatorDefinition
from provgraph.schema.collection import SourceCollection
from provgraph.schema.objects import DBObject
from provgraph.schema.operators import External
from provgraph.survey import Survey

_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_BOX = re.compile(r'<g class="node entity[^"]*" data-id="([0-9a-f-]{36})">.*?</g>', re.DOTALL)
HERE = Path(__file__).parent
STATIC = HERE / "static"
PAGE_ROWS = 50
SHOWN_NODES = 60
EXPORTS = {"prov-json": "PROV-JSON", "prov-n": "PROV-N", "svg": "SVG", "dot": "DOT", "text": "text", "json": "JSON"}


def _when(text: str) -> str:
    """A recorded time to the minute."""
    return f"{text[:10]} {text[11:16]} UTC" if len(text) > 16 else text


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}".replace(",", "\u2009")


_templates = Environment(
    loader=FileSystemLoader(HERE / "templates"), autoescape=select_autoescape(default=True), trim_blocks=True,
    lstrip_blocks=True,
)  # fmt: skip
_templates.filters |= {"when": _when, "count": _count}


def _page(
    request: Request, template: str, code: int = 200, headers: dict[str, str] | None = None, **values: Any
) -> Response:
    service: Service = request.app.state.service
    shown = _templates.get_template(template).render(survey=service.survey, path=request.url.path, **values)
    return HTMLResponse(shown, code, headers)


# -- collections -------------------------------------------------------------------------------------------------------


async def index(request: Request) -> Response:
    """The Source Collections, newest first; ``?q=`` those with such a name, ``?all=1`` also those without one."""
    service: Service = request.app.state.service
    wanted, after = request.query_params.get("q", "")[:200], request.query_params.get("after", "")
    every = bool(request.query_params.get("all"))
    values = await service.run(_index, service.survey, wanted, after, every)
    return _page(request, "index.html", q=wanted, after=after, **values)


def _index(survey: Survey, wanted: str, after: str, every: bool) -> dict[str, Any]:
    """Those that somebody named, unless every step is asked for, or there are no names yet."""
    named = bool(wanted) or not every
    page = loaders.collections(survey, first=PAGE_ROWS, after=after, name=wanted if named else None)
    if not page.objects and named and not wanted and not after:
        named, page = False, loaders.collections(survey, first=PAGE_ROWS)
    given = survey.names_of([c.object_id for c in page.objects])
    shown = zip(page.objects, survey.notations(page.objects), loaders.known_rows(survey, page.objects), strict=True)
    rows = [
        {"object": c, "name": given.get(c.object_id, ""), "notation": made, "n": n, "operator": type(c).__name__}
        for c, made, n in shown
    ]
    place = {"after": page.cursors[-1]} if page.more and page.cursors else {}
    more = urlencode({**({"q": wanted} if wanted else {}), **({} if named else {"all": 1}), **place}) if place else ""
    calculators = [] if wanted or after else survey.definitions()[:PAGE_ROWS]
    return {"rows": rows, "more": more, "calculators": calculators, "named": named}


# -- an object ---------------------------------------------------------------------------------------------------------


async def thing(request: Request) -> Response:
    """One object with its lineage; ``?up=&down=`` say how much of it."""
    service: Service = request.app.state.service
    object_id = loaders.object_id_of(request.path_params["object_id"])
    if object_id is None:
        raise NotFound(f"{request.path_params['object_id'][:80]!r} is no id.", code="id_invalid")
    up, down = (_depth(request, name, default) for name, default in (("up", 2), ("down", 1)))
    values = await service.run(_thing, service.survey, object_id, up, down)
    links = ", ".join(
        f'</lineage/{object_id}?up={limits.LINEAGE_DEPTH}&format={format}>; rel="http://www.w3.org/ns/prov#has_provenance"'
        for format in ("prov-json", "prov-n")
    )
    headers = {"Link": links, "Content-Security-Policy": _allowing(values["svg"])}
    return _page(request, "thing.html", headers=headers, up=up, down=down, **values)


def _thing(survey: Survey, object_id: str, up: int, down: int) -> dict[str, Any]:
    one = survey.mapper.get(object_id)
    above = loaders.parents(survey, [one])[0]
    view = survey.lineage(one, up=up, down=max(down, 1), limit=SHOWN_NODES)
    users = [e.source for e in view.lineage.edges if e.target == object_id and e.relation == names.WAS_DERIVED_FROM]
    below = survey.mapper.many(list(dict.fromkeys(users)))
    if not down:
        view = survey.lineage(one, up=up, down=0, limit=SHOWN_NODES)
    notes = survey.notes(one)
    given = survey.names_of([o.object_id for o in (one, *above, *below)])
    roles = {d.object_id: role for role, _, d in one.dependencies()}
    collection = one if isinstance(one, SourceCollection) else None
    shown = [o for o in (one, *above, *below) if isinstance(o, SourceCollection)]
    made = {o.object_id: notation for o, notation in zip(shown, survey.notations(shown), strict=True)}
    return {
        "one": one, "name": given.get(object_id) or getattr(one, "name", "") or "", "kind": type(one).__name__,
        "notes": [n for n in notes if n["kind"] != PULLED], "versions": survey.versions(one),
        "svg": _svg(view), "lineage": view.lineage,
        "description": next((n["value"] for n in reversed(notes) if n["kind"] == "description"), ""),
        "tags": list(dict.fromkeys(n["value"] for n in notes if n["kind"] == "tag")),
        "parents": [_linked(p, given, made, roles.get(p.object_id, "")) for p in above],
        "children": [_linked(c, given, made) for c in below], "exports": EXPORTS,
        "collection": collection, "notation": made.get(object_id, ""),
        "status": survey.status(collection) if collection is not None else None, "pulls": loaders.pulls(notes),
        "invalid": loaders.invalid(notes), "statistics": loaders.statistics(survey, collection) if collection is not None else {},
        "n": loaders.known_rows(survey, [collection])[0] if collection is not None else None,
        "head": _head(survey, one),
        "pull": _pull_link(collection, given.get(object_id, "")) if collection is not None else "",
        "calculator": one if isinstance(one, AttributeCalculatorDefinition) else None,
        "properties": {} if collection is not None else _shown_properties(one),
    }  # fmt: skip


def _linked(one: DBObject, given: dict[str, str], made: dict[str, str], role: str = "") -> dict[str, Any]:
    """Another object as a link: its name, or else how it is made."""
    name = given.get(one.object_id) or str(getattr(one, "name", "") or getattr(one, "text", ""))
    notation = made.get(one.object_id, "") if not name else ""
    return {"id": one.object_id, "name": name, "notation": notation, "kind": type(one).__name__, "role": role}


def _head(survey: Survey, one: DBObject) -> tuple[list[str], list[list[Any]]] | None:
    """The first sources of what was ingested; of anything else they may have to be processed first."""
    if not isinstance(one, External):
        return None
    try:
        return loaders.preview(survey, one, 5)
    except ProvgraphError:  # the page is about the record, which is there though its values are not
        return None


def _svg(view: Any) -> Markup:
    """The drawing as part of a page: without the declaration of a document of its own, its boxes as links."""
    text: str = view.to("svg")
    return Markup(_BOX.sub(r'<a href="/id/\1">\g<0></a>', text[text.index("<svg") :]))


def _allowing(svg: str) -> str:
    """The content security policy of a page with this drawing: its style sheet, by digest, and nothing else inline."""
    digests = [b64encode(sha256(style.encode()).digest()).decode() for style in _STYLE.findall(svg)]
    allowed = " ".join(["style-src 'self'", *(f"'sha256-{digest}'" for digest in digests)])
    return POLICY.replace("style-src 'self'", allowed)


def _shown_properties(one: DBObject) -> dict[str, str]:
    """Plain values to read; long lists and register entries are for machines."""
    shown = {}
    for name, value in loaders.properties(one).items():
        if name == "info":
            continue
        text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        if text:
            shown[name.replace("_", " ")] = text if len(text) <= 400 else text[:400] + " …"
    return shown


def _pull_link(collection: SourceCollection, name: str) -> str:
    """A mutation to begin with, on the page to write GraphQL."""
    attributes = json.dumps(list(collection.attributes())[:8], ensure_ascii=False)
    start = json.dumps(name or collection.iri, ensure_ascii=False)
    text = (
        "mutation {\n  createPull(input: {\n"
        f"    start: {start}\n    attributes: {attributes}\n    where: \"\"\n"
        "  }) {\n    id\n    phase\n    progress { fraction }\n    result { href }\n  }\n}\n"
    )  # fmt: skip
    return "/graphql?" + urlencode({"query": text})


def _depth(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InvalidInput(f"{name}={text[:20]!r} is not a number.", code="number_invalid", name=name)
    return limits.clamp(int(text), default, limits.LINEAGE_DEPTH)


# -- others ------------------------------------------------------------------------------------------------------------


# GraphiQL's editor writes style elements of its own; its fonts stand in its style sheet.
_GRAPHIQL_POLICY = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'; font-src data:")


async def query(request: Request) -> Response:
    """GraphiQL, from this service alone: it works without network."""
    return _page(request, "graphiql.html", headers={"Content-Security-Policy": _GRAPHIQL_POLICY})


def error(request: Request, shown: ProvgraphError, status: int, headers: dict[str, str]) -> Response:
    """An error as a page."""
    return _page(request, "error.html", status, headers, error=shown, status=status)
