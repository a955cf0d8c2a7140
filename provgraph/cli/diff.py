"""provgraph diff"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provgraph.cli import options
from provgraph.cli.options import ClassesOption, GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import message, to_json
from provgraph.errors import EXIT_DIFFERS, InvalidInput, NotFound, ProvgraphError, UsageError, nearest

if TYPE_CHECKING:
    from provgraph.prov.model import Document
    from provgraph.survey import Survey

EXAMPLES = {
    "diff": """
    provgraph diff monday.provn tuesday.prov.json
    provgraph diff monday.provn tuesday.provn --format html --out difference.html
    provgraph diff coadd@1 coadd@2
    provgraph diff coadd_mine coadd_yours --ancestor coadd@1 --format json
    """
}
FORMATS = ("text", "json", "html")


def run(
    a: Annotated[str, typer.Argument(metavar="A", show_default=False,
        help="A file with a PROV document; else a thing, an imported document or a bundle of the survey.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another one, in any format.", show_default=False)],
    format: Annotated[str, typer.Option("--format", metavar="FORMAT", show_default=False,
        help="text, json or html; else as --out says, else text.")] = "",
    ancestor: Annotated[str, typer.Option("--ancestor", metavar="C", show_default=False,
        help="What A and B both come from: say which of them made each change.")] = "",
    nearest_common: Annotated[bool, typer.Option("--common-ancestor",
        help="The same with the nearest thing of their class that both come from.", show_default=False)] = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", show_default=False,
        help="Write to a file: .txt, .json or .html.")] = None,
    classes: ClassesOption = None,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Show what differs between two PROV documents or between the lineages of two things, and what explains that they differ.

    Of documents, which statements were added (+), removed (-) and changed (~); that needs no survey. The formats of the two
    may differ. Order, prefixes and blank names do not matter, repetition does; bundles are compared with the bundle of
    their name.

    Of things, what was changed in what they were made from: inputs, process parameters, code, environments, values. What
    reaches the results comes before what is cut off by equal content. Exit status 4 where anything differs.
    """
    wanted = _format(format, out, as_json)
    if all(_is_document(x) and Path(x).exists() for x in (a, b)):
        if ancestor or nearest_common:
            raise UsageError("Documents in files have no common ancestor to compare with; leave --ancestor out.", code="usage",
                             option="--ancestor")  # fmt: skip
        same = _documents((a, b), (_read(a), _read(b)), wanted, out)
    else:
        options.import_classes(classes)
        try:
            same = _things(a, b, ancestor or nearest_common, wanted, out, survey, graph)
        except NotFound as error:
            if error.code == "survey_missing":  # then a file was meant, and what is wrong with it is the error
                for missing in (x for x in (a, b) if _is_document(x)):
                    _read(missing)
            raise
    if not same:
        raise typer.Exit(EXIT_DIFFERS)


def _format(format: str, out: Path | None, as_json: bool) -> str:
    if format and format not in FORMATS:
        raise UsageError(
            f"--format {format!r} is not known; {nearest(format, FORMATS)}", code="usage", option="--format"
        )
    meant = {".txt": "text", ".json": "json", ".html": "html"}.get(out.suffix.lower(), "") if out else ""
    if meant and format and meant != format:
        raise UsageError(
            f"{out and out.name} says {meant}, --format says {format}; give one of the two.", code="format_contradicted"
        )
    if out and not (meant or format or as_json):
        raise UsageError(
            f"{out.name} does not say a format; end it in one of .txt, .json, .html, or give --format.",
            code="format_unknown",
        )
    return format or meant or ("json" if as_json else "text")


def _is_document(reference: str) -> bool:
    """Whether this is a file with a PROV document, or is called like one: then what is wrong with it is an error."""
    from provgraph.prov.formats import FORMATS, recognised

    path = Path(reference)
    if any(reference.lower().endswith(suffix) for f in FORMATS.values() for suffix in f.suffixes):
        return True
    if not path.is_file():
        return False
    try:
        recognised(path)
    except (ProvgraphError, OSError):
        return False
    return True


def _read(reference: str) -> Document:
    from provgraph.prov.formats import read

    return read(Path(reference))


def _documents(titles: tuple[str, str], both: tuple[Document, Document], wanted: str, out: Path | None) -> bool:
    from provgraph.prov.difference import diff

    found = diff(*both)

    def page() -> str:
        from provgraph.export.beside import documents

        return documents(*both, found, titles)

    _write({"a": titles[0], "b": titles[1]} | found.as_dict(), str(found), page, wanted, out)
    return found.same


def _things(
    a: str, b: str, ancestor: str | bool, wanted: str, out: Path | None, survey: Path | None, graph: str
) -> bool:
    from provgraph.schema.objects import DBObject

    with options.opened(survey, graph) as here:
        one, other = (_found(here, x) for x in (a, b))
        if isinstance(one, DBObject) and isinstance(other, DBObject):
            since = options.thing(here, ancestor) if isinstance(ancestor, str) else ancestor
            found = here.diff(one, other, since or None)
            _write(found.as_dict(), str(found), found.html, wanted, out)
            return found.same
        if ancestor:
            raise InvalidInput("Documents have no common ancestor to compare with; leave --ancestor out.", code="usage")
        return _documents((a, b), (_prov(here, one), _prov(here, other)), wanted, out)


def _found(here: Survey, reference: str) -> Any:
    """An object of the survey, a document in a file, or an imported one."""
    called_so = _is_document(reference)
    if called_so and Path(reference).exists():
        return _read(reference)
    try:
        return options.thing(here, reference)
    except NotFound as missing:
        try:
            return here.as_prov(reference)
        except NotFound:
            if called_so:
                _read(reference)
            raise missing from None


def _prov(here: Survey, thing: Any) -> Document:
    from provgraph.schema.objects import DBObject

    found: Document = here.as_prov(thing) if isinstance(thing, DBObject) else thing
    return found


def _write(data: dict[str, Any], text: str, page: Any, wanted: str, out: Path | None) -> None:
    said = page() if wanted == "html" else f"{to_json(data) if wanted == 'json' else text}\n"
    if out is None:
        print(said, end="")
        return
    from provgraph.export.tables.files import replacing

    with replacing(out) as part:
        part.write_text(said, encoding="utf-8")
    message(f"Wrote {out}.")
