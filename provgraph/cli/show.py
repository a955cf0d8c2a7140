"""provgraph show"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from provgraph.cli import options
from provgraph.cli.options import GraphOption, JsonOption, SurveyOption, short
from provgraph.cli.output import count, emit, fields, table

EXAMPLES = {
    "show": """
    provgraph show "SDSS quasars"
    provgraph show "SDSS quasars@1" --json
    provgraph show bright.fits
    """
}


def run(
    thing: Annotated[str, typer.Argument(metavar="THING", show_default=False,
        help="Name, name@version, id or the end of one, calculator, or a file that was read or written.")],
    survey: SurveyOption = None,
    graph: GraphOption = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Show one thing: what it is, its attributes with units, UCDs and ranges, its parents, notes and versions.

    Ranges are those of stored columns: for a selection they bound its own. Nothing is processed.
    """
    from provgraph.cli import records

    with options.opened(survey, graph) as found:
        data = records.details(found, options.thing(found, thing))
    emit(data, as_json, _render)


def _render(data: dict[str, Any]) -> str:
    from provgraph.cli.records import title

    parts = [title(data)]
    said = {n["kind"]: n["value"] for n in data["notes"]}
    tags = [n["value"] for n in data["notes"] if n["kind"] == "tag"]
    general = {"class": data["class"], "description": data.get("description") or said.get("description"), "tags": tags}
    if "notation" in data:
        stored = len(data["stored"]["attributes"])
        general |= {
            "made as": data["notation"],
            "sources": count(data["sources"], "source") if data["sources"] is not None else "not counted yet",
            "stored": f"{stored} of {count(len(data['attributes']), 'attribute')}; the rest is calculated when asked for"
            if stored < len(data["attributes"]) else "all attributes",
            "status": [data["status"], *data["reasons"], *data["not_here"]],
            "parents": [title(p) for p in data["parents"]], "id space": data["id_space"],
        }  # fmt: skip
    elif "expression" in data:
        general |= {k: data[k] for k in ("requires", "provides", "method", "units", "ucds")}
        general["parameters"] = [f"{k}={v:g}" for k, v in data["parameters"].items()]
        general["invalid"] = data["invalid"]
    else:
        general |= {k: v for k, v in data["properties"].items() if k != "info"}
    general |= {
        "created": f"{data['created'][:19].replace('T', ' ')} UTC",
        "project": data["project"],
        "id": data["id"],
    }
    if len(data["versions"]) > 1:
        general["versions"] = [f"{v['version']} ({short(v['id'])})" for v in data["versions"]]
    parts.append(fields(general))
    if "notation" in data:
        headers = ("attribute", "dtype", "unit", "ucd", "minimum", "maximum", "missing", "of", "description")
        rows = [
            (a["name"], a["dtype"] + "".join(f"[{s}]" for s in a["shape"]), *(a[h] for h in headers[2:]))
            for a in data["attributes"]
        ]
        kept = [i for i, h in enumerate(headers) if i < 3 or any(r[i] not in (None, "") for r in rows)]
        shown = [[r[i] for i in kept] for r in rows]
        numeric = ("minimum", "maximum", "missing", "of")
        parts.append(table([headers[i] for i in kept], shown, right=numeric, cut="description"))
    history = [n for n in data["notes"] if n["kind"] not in ("tag",)]
    if history:
        noted = [(n["recorded"][:19].replace("T", " "), n["kind"], n["value"], n["reason"]) for n in history]
        parts.append(table(("recorded", "note", "value", "reason"), noted))
    return "\n\n".join(parts)
