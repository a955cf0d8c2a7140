"""The catalog data of a pull as a file of the wanted format: rows leave here, never through GraphQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from provgraph.api.context import Service
from provgraph.errors import ProvgraphError
from provgraph.export.tables import EXPORTERS
from provgraph.schema.collection import SourceCollection

# name as in ?format= and of the writer, to media type and suffix of the file; the first is what */* gets.
_ORDER = ("arrow", "parquet", "votable", "fits", "hdf5", "csv")
FORMATS: Final[dict[str, tuple[str, str]]] = {
    name: (EXPORTERS[name].media_type, EXPORTERS[name].suffixes[0]) for name in _ORDER
}
ARROW: Final = FORMATS["arrow"][0]
_SYNONYMS = {"vot": "votable", "ipc": "arrow", "hdf": "hdf5", "h5": "hdf5"}


def negotiate(accept: str, wanted: str) -> str:
    """The format that ``?format=`` (a name or a media type) or the Accept header asks for.

    Raises
    ------
    ProvgraphError : ``not_acceptable`` with what there is.
    """
    if wanted:
        name = wanted.strip().lower().replace(" ", "")
        name = _SYNONYMS.get(name, name)
        if name in FORMATS:
            return name
        return _by_media_type(name) or _refuse(wanted)
    ranges = sorted(_ranges(accept or "*/*"), key=lambda r: -r[1])
    for media_range, quality in ranges:
        if quality > 0 and (found := _by_media_type(media_range)):
            return found
    return _refuse(accept)


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    """Media ranges with their quality (RFC 9110, section 12.5.1); other parameters belong to the range."""
    for one in accept.lower().split(","):
        parts = [p.strip() for p in one.split(";")]
        quality = 1.0
        for part in parts[1:]:
            if match := re.fullmatch(r"q=([01](?:\.\d*)?)", part):
                quality = float(match[1])
        yield ";".join(p for p in parts if not p.startswith("q=")), quality


def _by_media_type(media_range: str) -> str | None:
    if media_range == "*/*":
        return next(iter(FORMATS))
    for name, (media_type, _) in FORMATS.items():
        bare = media_type.split(";")[0]
        if media_range in (media_type, bare, bare.split("/")[0] + "/*"):
            return name
    return None


def _refuse(asked: str) -> Any:
    offered = {name: media_type for name, (media_type, _) in FORMATS.items()}
    listed = ", ".join(f"{n} ({m})" for n, m in offered.items())
    raise ProvgraphError(
        f"The result cannot be had as {asked[:200]!r}; there are: {listed}.",
        code="not_acceptable",
        formats=list(FORMATS),
    )


async def respond(service: Service, collection: SourceCollection, format: str, *, head: bool = False) -> Response:
    """A response that streams the catalog data; what is processed already is only read. head : without the data."""
    media_type, suffix = FORMATS[format]
    called = await service.run(_name_of, collection)
    name = (re.sub(r"[^\w.-]+", "_", called).strip("._") or "catalog") + suffix
    chunks: Iterator[bytes] = iter(())
    if not head:
        chunks = await service.run(service.survey.stream, collection, format, name=name)
    return StreamingResponse(
        chunks, media_type=media_type,
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
            "Link": f'</lineage/{collection.object_id}?format=prov-json&up=1000>; rel="http://www.w3.org/ns/prov#has_provenance"; '
                    f'anchor="{collection.iri}"',
            "Vary": "Accept",
        },
    )  # fmt: skip


def _name_of(collection: SourceCollection) -> str:
    return collection.name or collection.object_id
