"""What thepipe writes about a run of a pipeline (KM3NeT), read as PROV; it is written by thepipe only."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from provgraph.errors import InvalidInput
from provgraph.prov.losses import Losses
from provgraph.prov.model import Document, Name, prov
from provgraph.prov.source import open_source

NAMESPACE: Final = "https://provgraph.org/thepipe#"
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
#: Said by other statements.
_SAID: Final = frozenset(
    {"uuid", "name", "start", "stop", "parent_activity", "child_activities", "input", "output", "system"}
)


def read(source: str | bytes | Path) -> Document:
    """A list of activities as thepipe writes it: each with its start and stop, what ran it, files in and out.

    Activities and files are ``urn:uuid:<uuid>``: thepipe writes the uuid of a file into the file itself. An activity inside
    another one was started by it; what ran is a software agent and an environment, the configuration of modules is a plan.
    Everything else is kept as attributes, what is not text or number as JSON.

    Raises
    ------
    InvalidInput : ``thepipe_invalid``. FileUnreadable : where the file cannot be read.
    """
    with open_source(source, code="thepipe_invalid", whole=True) as opened:
        opened.check_pairs()
        text = opened.text
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _invalid(f"it is no JSON: {error}") from None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise _invalid("it is no list of activities")
    document = Document({"thepipe": NAMESPACE, "uuid": "urn:uuid:"})
    seen: set[Name] = set()
    for place, one in enumerate(found):
        if not isinstance(one.get("uuid"), str) or not _UUID.fullmatch(one["uuid"]):
            raise _invalid(f"the activity at /{place} has no uuid")
        _activity(document, one, seen)
    return document


def write(_: Document) -> tuple[str, Losses]:
    """Provenance of thepipe is written by thepipe."""
    raise InvalidInput("provgraph reads what thepipe wrote, and writes PROV; say another format.", code="prov_read_only",
                       format="thepipe")  # fmt: skip


def _activity(document: Document, one: Mapping[str, Any], seen: set[Name]) -> None:
    name = document.name(f"uuid:{one['uuid'].lower()}")
    started, stopped = (_time(one.get(key)) for key in ("start", "stop"))
    attributes: list[tuple[str | Name, Any]] = [(prov("type"), document.name("thepipe:Activity"))]
    if one.get("name"):
        attributes.append((prov("label"), str(one["name"])))
    for key in sorted(one.keys() - _SAID):
        attributes += _attribute(key, one[key])
    for key in ("start", "stop"):
        rest = {k: v for k, v in one[key].items() if k != "time_utc"} if isinstance(one.get(key), dict) else {}
        attributes += [pair for k in sorted(rest) for pair in _attribute(f"{key}_{k}", rest[k])]
    document.add("activity", name, {"startTime": started, "endTime": stopped}, attributes)
    for role, kind in (("input", "used"), ("output", "wasGeneratedBy")):
        files = one.get(role)
        for file in files if isinstance(files, list) else ():
            if isinstance(file, dict):
                entity = _file(document, file, one["uuid"], seen)
                arguments = (
                    {"activity": name, "entity": entity} if kind == "used" else {"entity": entity, "activity": name}
                )
                document.add(kind, None, arguments, [(prov("role"), role)])
    parent = one.get("parent_activity")
    if isinstance(parent, str) and _UUID.fullmatch(parent):
        starter = document.name(f"uuid:{parent.lower()}")
        document.add("wasStartedBy", None, {"activity": name, "starter": starter, "time": started})
    if isinstance(one.get("system"), dict):
        _system(document, one, name, seen)


def _file(document: Document, file: Mapping[str, Any], activity: str, seen: set[Name]) -> Name:
    uuid = file.get("uuid")
    if isinstance(uuid, str) and _UUID.fullmatch(uuid):
        name = document.name(f"uuid:{uuid.lower()}")
    else:  # a file that cannot hold a uuid is known by its name, in this run
        name = Name(f"urn:uuid:{activity.lower()}#{quote(str(file.get('url', '')), safe='/-._~')}")
    if name not in seen:
        seen.add(name)
        attributes: list[tuple[str | Name, Any]] = [(prov("type"), document.name("thepipe:File"))]
        if file.get("url"):
            attributes += [(prov("label"), str(file["url"])), (prov("location"), str(file["url"]))]
        attributes += [pair for key in sorted(file.keys() - {"uuid", "url"}) for pair in _attribute(key, file[key])]
        document.add("entity", name, None, attributes)
    return name


def _system(document: Document, one: Mapping[str, Any], activity: Name, seen: set[Name]) -> None:
    """What ran: thepipe as an agent with the configuration as its plan, and the environment as an entity that was used."""
    system = one["system"]
    version = str(system.get("thepipe_version", "unknown"))
    agent = Name(f"{NAMESPACE}{quote(version, safe='-._~')}", f"thepipe:{quote(version, safe='-._~')}")
    if agent not in seen:
        seen.add(agent)
        document.add(
            "agent", agent, None, [(prov("type"), prov("SoftwareAgent")), (prov("label"), f"thepipe {version}")]
        )
    environment = Name(f"{activity.iri}#system")
    said = [pair for key in sorted(system) for pair in _attribute(key, system[key])]
    document.add(
        "entity",
        environment,
        None,
        [(prov("type"), document.name("thepipe:System")), (prov("label"), "environment"), *said],
    )
    document.add("used", None, {"activity": activity, "entity": environment}, [(prov("role"), "environment")])
    plan = None
    if one.get("configuration"):
        plan = Name(f"{activity.iri}#configuration")
        modules = one["configuration"].get("modules") if isinstance(one["configuration"], dict) else None
        names = [str(m.get("name")) for m in modules if isinstance(m, dict)] if isinstance(modules, list) else []
        label = [(prov("label"), " -> ".join(names))] if names else []
        document.add("entity", plan, None, [(prov("type"), prov("Plan")), *label])
    document.add("wasAssociatedWith", None, {"activity": activity, "agent": agent, "plan": plan})


def _attribute(key: str, value: Any) -> list[tuple[str | Name, Any]]:
    name = Name(NAMESPACE + quote(key, safe="-._~"), f"thepipe:{quote(key, safe='-._~')}")
    if value is None or value in ([], {}):
        return []
    if isinstance(value, (list, dict)):
        return [(name, json.dumps(value, ensure_ascii=False, sort_keys=True))]
    return [(name, value)]


def _time(said: Any) -> str | None:
    text = said.get("time_utc") if isinstance(said, dict) else None
    if not isinstance(text, str) or not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", text):
        return None
    return text if text[-1] == "Z" or re.search(r"[+-]\d\d:\d\d$", text) else f"{text}Z"


def _invalid(why: str) -> InvalidInput:
    return InvalidInput(f"This is not provenance of thepipe: {why}.", code="thepipe_invalid")
