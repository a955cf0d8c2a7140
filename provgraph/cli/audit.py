"""What was written when and by whom, whether it is untouched, and proofs of it for others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from provgraph.cli import options
from provgraph.cli.options import GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import count, emit, hint, progress, table
from provgraph.errors import EXIT_DIFFERS, EXIT_INVALID, UsageError

EXAMPLES = {
    "verify": """
    provgraph audit verify
    provgraph audit verify --checkpoint ~/deposited/2026-03.json
    """,
    "show": """
    provgraph audit show --since 2026-03-01 --by ada
    provgraph audit show --of nearby
    """,
    "checkpoint": "provgraph audit checkpoint --out ~/deposited/2026-03.json",
    "prove": "provgraph audit prove --of nearby --since ~/deposited/2026-03.json --out proof.json",
    "check": "provgraph audit check proof.json",
}


def verify(
    checkpoint: Annotated[Path | None, typer.Option("--checkpoint", metavar="FILE", show_default=False,
        help="One that was kept elsewhere: it also finds what was written anew or cut off.")] = None,
    key: Annotated[str, typer.Option("--key", metavar="KEY", show_default=False,
        help="Public key that must have signed the checkpoints, as hex or a file with it; else one that the survey names.")] = "",
    quick: Annotated[bool, typer.Option("--quick", help="Leave the stored bytes unread.", show_default=False)] = False,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Compare the log with itself and with checkpoints, the graph with the log, and all stored bytes with their digests.

    Also says where records say too little: what no call made, calls nobody is responsible for, references that lead
    nowhere, code that is not named. Exit status 4 where something was changed, 5 where only such gaps are errors.
    """
    with options.opened(survey, graph) as found, progress("audit") as bar:
        told = None if bar is None else lambda _, fraction: bar(fraction)
        report = found.audit.verify(checkpoint=checkpoint, key=key, stored=not quick, progress=told)
    emit(report.as_dict(), as_json, lambda _: str(report))
    if report.changed:
        raise typer.Exit(EXIT_DIFFERS)
    if not report.ok:
        raise typer.Exit(EXIT_INVALID)


def show(
    of: Annotated[str, typer.Option("--of", metavar="ENTITY", show_default=False,
        help="Name, name@version or id of what it is about.")] = "",
    by: Annotated[str, typer.Option("--by", metavar="AGENT", help="Who did it.", show_default=False)] = "",
    since: Annotated[str, typer.Option("--since", metavar="DATE", show_default=False,
        help="A date or a time, such as 2026-03-01 or 2026-03-01T12:00; UTC unless it says another zone.")] = "",
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """List what was done: when, by whom, what, and for which request; --json has the digests before and after."""
    with options.opened(survey, graph) as found:
        data = found.audit.show(of=_id(found, of), by=by, since=since)
    emit(data, as_json, _table)


def checkpoint(
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", show_default=False,
        help="Where to write it, to be deposited elsewhere.")] = None,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Sign what the log is now; what is changed or cut off later can be told by it.

    The key is made at first use, in the directory of your settings; the survey keeps its public part.
    """
    with options.opened(survey, graph) as found:
        made = found.audit.checkpoint(out)
    emit(made, as_json, lambda d: f"Signed {count(d['n'], 'record')} with the key {d['key']}\nroot {d['root']}")
    if out is None:
        hint("provgraph audit checkpoint --out FILE, and keep the file where nobody of this survey can change it")


def prove(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write the proof.", show_default=False)],
    of: Annotated[str, typer.Option("--of", metavar="ENTITY", show_default=False,
        help="Name, name@version or id of what was written.")] = "",
    record: Annotated[int | None, typer.Option("--record", metavar="N", show_default=False,
        help="The number of a record, as show says it.")] = None,
    since: Annotated[Path | None, typer.Option("--since", metavar="FILE", show_default=False,
        help="An older checkpoint: proves that the log has only grown since then.")] = None,
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Write a file that proves to others, without the survey, that records are in the log."""
    if not of and record is None and since is None:
        raise UsageError("Say what is to be proven: --of ENTITY, --record N, or --since CHECKPOINT.")
    with options.opened(survey, graph) as found:
        proof = found.audit.prove(out, of=_id(found, of), record=record, since=since)
    data = {"file": str(out), "records": [r["n"] for r in proof["records"]], "of": proof["checkpoint"]["n"],
            "key": proof["checkpoint"]["key"]}  # fmt: skip
    emit(data, as_json, lambda d: f"{d['file']}: proves {count(len(d['records']), 'record')} of a log of {d['of']:,}.")
    hint(f"provgraph audit check {out}")


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A proof.", show_default=False)],
    key: Annotated[str, typer.Option("--key", metavar="KEY", show_default=False,
        help="Public key that must have signed, as hex or a file with it; else compare the one that is shown.")] = "",
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Check a proof from its file alone; needs no survey and no network. Exit status 1 where it proves nothing."""
    from provgraph.audit.checkpoint import check as check_proof
    from provgraph.audit.checkpoint import signer

    records = check_proof(file, key)
    emit({"file": str(file), "key": signer(file), "records": records}, as_json, _proven)


COMMANDS = {"verify": verify, "show": show, "checkpoint": checkpoint, "prove": prove, "check": check}


def _id(survey: Any, reference: str) -> str:
    """What a name stands for; the id of an activity, a statement or a file is itself."""
    from provgraph.errors import NotFound

    if not reference:
        return ""
    try:
        return options.thing(survey, reference).object_id
    except NotFound:
        if any(one["n"] >= 0 for one in survey.audit.show(of=reference)):
            return reference
        raise


def _table(data: list[dict[str, Any]]) -> str:
    if not data:
        return "Nothing of that was done."
    rows = [
        (d["n"], d["at"][:19].replace("T", " "), d["agent"], ", ".join(d["what"]), len(d["ids"]),
         "" if d["outcome"] == "committed" else d["outcome"], d["request"])
        for d in data
    ]  # fmt: skip
    headers = ("record", "when (UTC)", "who", "what", "things", "outcome", "request")
    shown = [i for i, h in enumerate(headers) if h not in ("outcome", "request") or any(r[i] for r in rows)]
    return table([headers[i] for i in shown], [[r[i] for i in shown] for r in rows], right=("record", "things"))


def _proven(d: dict[str, Any]) -> str:
    said = [
        f"record {r['_n']}, {r['at'][:19].replace('T', ' ')} UTC: {', '.join(r.get('what', [r['kind']]))}"
        for r in d["records"]
    ]
    return "\n".join([f"Proven, signed by the key {d['key']}", *said])
