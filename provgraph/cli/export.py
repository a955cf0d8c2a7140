"""provgraph export"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from provgraph.cli import options
from provgraph.cli.options import GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import message, to_json
from provgraph.errors import NotFound, UsageError

EXAMPLES = {
    "export": """
    provgraph export bright --format prov-n
    provgraph export bright --closure descendants --out bright.trig --lossy
    provgraph export --all --out survey.prov.json
    provgraph export bright --profile ivoa --out bright.prov.json
    provgraph export bright --redact archive.toml --out bright.prov.json
    provgraph export bright --format openlineage --out bright.jsonl
    provgraph export bright --format ro-crate --out bright.zip
    provgraph export run.prov.json --out run.provn
    provgraph export run.prov.json --original --out copy.prov.json
    provgraph export http://example.org/reduced --within run.prov.json --out reduced.trig
    """
}


def run(
    thing: Annotated[str, typer.Argument(metavar="[THING]", show_default=False,
        help="Name, name@version, id or the end of one, calculator; an imported document by name, id, digest or file; or an IRI "
        "in one.")] = "",
    all_: Annotated[bool, typer.Option("--all", show_default=False,
        help="All that the survey recorded, page by page, to the file of --out.")] = False,
    closure: Annotated[str, typer.Option("--closure", metavar="WHICH", show_default=False,
        help="What is written with a thing: ancestors, descendants, both or none; else ancestors.")] = "",
    format: Annotated[str, typer.Option("--format", metavar="FORMAT", show_default=False,
        help="prov-json, prov-n, prov-xml, turtle, trig, jsonld, openlineage, ro-crate; else as --out says.")] = "",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", show_default=False,
        help="Write to a file: .prov.json, .provn, .provx, .ttl, .trig, .jsonld, .jsonl; crates: directory or .zip.")] = None,
    original: Annotated[bool, typer.Option("--original", show_default=False,
        help="Of an imported document: its bytes, as they came.")] = False,
    lossy: Annotated[bool, typer.Option("--lossy", show_default=False,
        help="Write also where the format cannot say everything.")] = False,
    within: Annotated[str, typer.Option("--within", metavar="DOCUMENT", show_default=False,
        help="Of an IRI: the imported document that is meant, where several speak of it.")] = "",
    redact: Annotated[str, typer.Option("--redact", metavar="POLICY", show_default=False,
        help="What is taken out of a lineage: private, none, or a TOML file with rules; else private.")] = "",
    profile: Annotated[str, typer.Option("--profile", metavar="PROFILE", show_default=False,
        help="ivoa: with the names of the IVOA Provenance Data Model, too.")] = "",
    license: Annotated[str, typer.Option("--license", metavar="IRI", show_default=False,
        help="What an ro-crate states as its license.")] = "",
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Write a thing with all that it came from and all that is recorded of that, or an imported document, as W3C PROV.

    --closure descendants writes what came of it instead, both writes both, none the thing alone.

    Environment variables, secrets, home directories and names of users are taken out of a lineage, and what was taken out
    is said in the document and here; --redact none writes everything.

    A document comes out equal to what was imported, and with --original byte for byte. What a format cannot say is an
    error that names it; --lossy writes the rest. OpenLineage events and RO-Crates are for other programs and never say all of
    it; events say here how much is left out, and a crate holds the PROV document beside. Pictures and parts of a lineage
    are written by 'provgraph lineage'.
    """
    if bool(thing) == all_:
        raise UsageError("Say what is exported: a thing, or --all.", code="usage")
    if all_:
        if out is None or original or closure or within or profile:
            raise UsageError(
                "--all needs --out, and takes no --original, --closure, --within and --profile.", code="usage"
            )
        with options.opened(survey, graph) as found:
            said = found.export_all(out, format=format, lossy=lossy, redact=redact or "private")
        return _told(said, out, as_json)
    if original and (format or closure or within or redact or profile):
        raise UsageError(
            "--original gives the bytes that were imported; it takes no --format, --closure, --within, --redact and --profile.",
            code="usage",
        )
    from provgraph.documents.exporting import CRATE
    from provgraph.export.native import stated
    from provgraph.schema.objects import DBObject

    with options.opened(survey, graph) as found:
        what: Any = thing
        if not within:
            what = _found(found, thing)
        said = left_out = ""
        if original:
            made = found.export(what, out=out, original=True)
        else:
            rules = redact or ("private" if isinstance(what, DBObject) else None)
            document = found.as_prov(what, closure=closure, within=within, redact=rules, profile=profile)
            said = stated(document)
            if format == CRATE:
                made = found.export(
                    what,
                    format=format,
                    out=out,
                    closure=closure,
                    within=within,
                    redact=rules,
                    profile=profile,
                    license=license,
                )
            else:
                made = found.export(document, format=format, out=out, lossy=lossy, license=license)
            left_out = _left_out(document, format, out)
    _told(said, out, as_json, left_out)
    if out is not None:
        return
    if isinstance(made, bytes):
        sys.stdout.flush()
        sys.stdout.buffer.write(made)
    else:
        sys.stdout.write(made)


def _told(said: str, out: Path | None, as_json: bool, left_out: str = "") -> None:
    """What was taken out, what the format does not say, and where the rest is."""
    if said:
        message(f"{said}; --redact none writes all.")
    if left_out:
        message(left_out)
    if out is not None:
        message(f"Wrote {out}.")
        if as_json:
            print(to_json({"file": str(out)} | ({"redacted": said} if said else {})))


def _left_out(document: Any, format: str, out: Path | None) -> str:
    """How much a format for other programs does not say."""
    from provgraph.prov.formats import OTHERS, loss

    named = format or next(
        (f for f, one in OTHERS.items() if out and out.name.lower().endswith(one.suffixes or ("\0",))), ""
    )
    if named not in OTHERS or not (lost := loss(document, named)):
        return ""
    of = sum(len(scope) for scope in document.scopes())
    gone = sum(one.whole for one in lost) + sum(len(bundle) for bundle in document.bundles)
    part = len({id(one.statement) for one in lost if one.statement is not None and not one.whole})
    partly = f", and none for a part of {part} more" if part else ""
    return f"{named} has no place for {gone} of {of} statements{partly}; provgraph.prov.loss lists all that is lost."


def _found(survey: Any, reference: str) -> Any:
    """A thing by any of the ways of other commands; what they do not know may be a document or an IRI."""
    from provgraph.documents.embedded import spoken_of
    from provgraph.documents.raw import digest_of

    try:
        return options.thing(survey, reference) if survey.library.exact(reference) is None else reference
    except NotFound:
        file = Path(reference)
        if not file.is_file():
            return reference
        return survey.library.exact(digest_of(file)) or spoken_of(survey.library, file) or reference
