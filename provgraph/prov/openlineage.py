"""OpenLineage events read as PROV, and PROV written as OpenLineage events (specification 2-0-2)."""

from __future__ import annotations

import json
import re
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from provgraph.errors import InvalidInput
from provgraph.prov.losses import Losses
from provgraph.prov.model import ELEMENTS, Document, Literal, Name, Reference, Statement, prov
from provgraph.prov.source import open_source

NAMESPACE: Final = "https://provgraph.org/openlineage#"
_THINGS: Final = "https://provgraph.org/openlineage/"
_PRODUCER: Final = "https://provgraph.org"
_SPEC: Final = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACETS: Final = "https://openlineage.io/spec/facets/"
#: The facet of ours: the IRI of what is described, its types, label and attributes, for people and for reading it again.
FACET: Final = "provgraph_prov"
_ENDS: Final = frozenset({"COMPLETE", "FAIL", "ABORT"})
_EVENT: Final = frozenset({
    "eventTime", "eventType", "producer", "schemaURL", "run", "job", "inputs", "outputs", "dataset",
})  # fmt: skip
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_TIME: Final = re.compile(r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")
_IRI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_FOR: Final = frozenset({"target", "self"})  # what a call of ours was made for or on, which is nothing that it read
_LONGEST: Final = (
    1000  # of an attribute in our facet: events are sent around, and say the same of each thing many times
)
_NEVER: Final = "1970-01-01T00:00:00Z"
_NOWHERE: Final = "OpenLineage has no place for it: it knows runs, and what they read and write."
_NAME = tuple[str, str]


# -- in ----------------------------------------------------------------------------------------------------------------


@dataclass
class _Run:
    """What all events of a run say of it together; later events overrule the facets of earlier ones."""

    name: Name
    job: _NAME
    times: dict[str, str] = field(default_factory=dict)
    state: str = ""
    producers: dict[str, None] = field(default_factory=dict)
    facets: dict[str, Any] = field(default_factory=dict)
    rest: dict[str, Any] = field(default_factory=dict)
    inputs: dict[_NAME, tuple[Name, dict[str, Any]]] = field(default_factory=dict)
    outputs: dict[_NAME, tuple[Name, dict[str, Any]]] = field(default_factory=dict)


def read(source: str | bytes | Path) -> Document:
    """Events, as a list, one a line, or a single one.

    A run is an activity from its START to its COMPLETE, FAIL or ABORT, associated with its producer, and with its job as the
    plan; it was started by its parent run. A dataset is an entity; what a run wrote is a version of it, which later runs used.
    Column lineage is a derivation. Every facet is kept as JSON, in an attribute named after what it is about, such as
    ``openlineage:run.parent`` or ``openlineage:dataset.schema``.

    Raises
    ------
    InvalidInput : ``openlineage_invalid``, with the event. FileUnreadable : where the file cannot be read.
    """
    return _Reader(sorted(_events(source), key=lambda event: str(event["eventTime"]))).document


def _events(source: str | bytes | Path) -> Iterator[dict[str, Any]]:
    with open_source(source, code="openlineage_invalid", whole=True) as opened:
        opened.check_pairs()
        text = opened.text.lstrip("\ufeff").strip()
    try:
        found = json.loads(text) if text else []
    except RecursionError:
        raise _invalid("it is nested too deeply", 1) from None
    except ValueError:
        found = []
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                try:
                    found.append(json.loads(line))
                except (ValueError, RecursionError) as error:
                    raise _invalid(f"it is no JSON: {error}", number, "line") from None
    for number, event in enumerate(found if isinstance(found, list) else [found], 1):
        if not isinstance(event, dict):
            raise _invalid("it is no object", number)
        if not isinstance(event.get("eventTime"), str):
            raise _invalid("it has no eventTime", number)
        about = {"run": ("runId",), "job": ("namespace", "name"), "dataset": ("namespace", "name")}
        if not event.keys() & about.keys():
            raise _invalid("it is about no run, no job and no dataset", number)
        if "run" in event and "job" not in event:
            raise _invalid("its run has no job", number)
        for part, needed in about.items():
            for key in needed if part in event else ():
                if not isinstance(event[part], dict) or not isinstance(event[part].get(key), str):
                    raise _invalid(f"its {part} has no {key}", number)
        for part in ("inputs", "outputs"):
            if not isinstance(event.get(part) or [], list):
                raise _invalid(f"its {part} are no list", number)
            for one in event.get(part) or ():
                if not isinstance(one, dict) or not all(isinstance(one.get(k), str) for k in ("namespace", "name")):
                    raise _invalid(f"one of its {part} has no namespace and name", number)
        yield event


def _invalid(why: str, number: int, unit: str = "event") -> InvalidInput:
    return InvalidInput(f"These are no OpenLineage events, in {unit} {number}: {why}.", code="openlineage_invalid",
                        **{unit: number})  # fmt: skip


class _Reader:
    def __init__(self, events: Iterable[Mapping[str, Any]]) -> None:
        self.document = Document({"openlineage": NAMESPACE, "uuid": "urn:uuid:"})
        self.runs: dict[tuple[str, _NAME], _Run] = {}
        self.jobs: dict[_NAME, dict[str, Any]] = defaultdict(dict)
        self.datasets: dict[Name, tuple[_NAME, dict[str, Any]]] = {}
        self.written: dict[_NAME, Name] = {}  # the version that was completed last
        for event in events:
            self.event(event)
        self.said: set[Name] = set()
        for run in self.runs.values():
            self.run(run)
        for name, ((namespace, local), facets) in self.datasets.items():
            self.dataset(name, namespace, local, facets)
        for job, facets in self.jobs.items():
            self.job(job, facets)

    def event(self, event: Mapping[str, Any]) -> None:
        job = (event["job"]["namespace"], event["job"]["name"]) if "job" in event else None
        if job is not None:
            self.jobs[job] |= _facets(event["job"])
        if "dataset" in event and "run" not in event:
            key = event["dataset"]["namespace"], event["dataset"]["name"]
            self.known(self.iri(_facets(event["dataset"]), dataset_iri(*key)), key, _facets(event["dataset"]))
        if job is None:
            return
        if "run" not in event:  # a job that did not run: PROV has nothing that it could have used
            self.jobs[job] |= {k: event[k] for k in ("inputs", "outputs") if event.get(k)}
            return
        run = self.of(event["run"]["runId"], job, _facets(event["run"]))
        run.facets |= _facets(event["run"])
        run.rest |= {k: v for k, v in event.items() if k not in _EVENT}
        if event.get("producer"):
            run.producers[str(event["producer"])] = None
        state = str(event.get("eventType") or "")
        run.state = state if run.state not in _ENDS and state not in {"", "OTHER"} else run.state
        if state == "START":
            run.times.setdefault("startTime", event["eventTime"])
        elif state in _ENDS:
            run.times["endTime"] = event["eventTime"]
        for part, ends in (("inputs", run.inputs), ("outputs", run.outputs)):
            for one in event.get(part) or ():
                key, facets = (one["namespace"], one["name"]), _facets(one)
                if key not in ends:
                    name = self.read_from(run, key, facets) if part == "inputs" else self.written_to(run, key, facets)
                    ends[key] = (name, {})
                name, own = ends[key]
                own.update(_facets(one, f"{part[:-1]}Facets"))
                self.known(name, key, facets)
        if state == "COMPLETE":
            self.written |= {key: name for key, (name, _) in run.outputs.items()}

    def of(self, id: str, job: _NAME, facets: Mapping[str, Any]) -> _Run:
        if (id, job) not in self.runs:
            taken = any(run == id for run, _ in self.runs)
            self.runs[id, job] = _Run(self.iri(facets, run_iri(id, job, alone=not taken)), job)
        return self.runs[id, job]

    def iri(self, facets: Mapping[str, Any], otherwise: str) -> Name:
        """What our facet says is meant; else what its names make of it."""
        said = facets.get(FACET)
        iri = said.get("iri") if isinstance(said, dict) else None
        return self.name(iri if isinstance(iri, str) and iri else otherwise)

    def name(self, iri: str) -> Name:
        return Name(iri, f"uuid:{iri[9:]}" if iri.startswith("urn:uuid:") and _UUID.fullmatch(iri[9:]) else "")

    def read_from(self, run: _Run, key: _NAME, facets: Mapping[str, Any]) -> Name:
        if FACET in facets:
            return self.iri(facets, "")
        version = _version(facets)
        if version:
            return self.name(f"{dataset_iri(*key)}#version={quote(version, safe='')}")
        own = run.outputs.get(key)
        last = self.written.get(key)
        return last if last is not None and (own is None or own[0] != last) else self.name(dataset_iri(*key))

    def written_to(self, run: _Run, key: _NAME, facets: Mapping[str, Any]) -> Name:
        if FACET in facets:
            return self.iri(facets, "")
        version = _version(facets)
        which = f"version={quote(version, safe='')}" if version else f"run={quote(run.name.iri, safe=':')}"
        return self.name(f"{dataset_iri(*key)}#{which}")

    def known(self, name: Name, key: _NAME, facets: Mapping[str, Any]) -> None:
        self.datasets.setdefault(name, (key, {}))[1].update(facets)

    # -- as statements -------------------------------------------------------------------------------------------------

    def run(self, run: _Run) -> None:
        times = {role: text for role, text in run.times.items() if _TIME.fullmatch(text)}
        attributes: list[tuple[str | Name, Any]] = [
            (prov("type"), self.document.name("openlineage:Run")), (prov("label"), run.job[1]),
        ]  # fmt: skip
        if run.state:
            attributes.append(("openlineage:state", run.state))
        attributes += [(f"openlineage:{role}", text) for role, text in run.times.items() if role not in times]
        attributes += _kept("run", run.facets) + _kept("event", run.rest)
        self.document.add("activity", run.name, times, attributes)
        for producer in run.producers or {"": None}:
            agent = self.agent(producer) if producer else None
            plan = self.name(job_iri(*run.job))
            self.document.add("wasAssociatedWith", None, {"activity": run.name, "agent": agent, "plan": plan})
        self.parent(run, times.get("startTime"))
        for name, own in run.inputs.values():
            self.document.add("used", None, {"activity": run.name, "entity": name}, _kept("input", own))
        for key, (name, own) in run.outputs.items():
            self.document.add("wasGeneratedBy", None, {"entity": name, "activity": run.name}, _kept("output", own))
            self.columns(run, name, self.datasets[name][1].get("columnLineage"), key)

    def parent(self, run: _Run, time: str | None) -> None:
        said = run.facets.get("parent")
        own = said.get("run") if isinstance(said, dict) else None
        if not isinstance(said, dict) or not isinstance(own, dict) or not isinstance(own.get("runId"), str):
            return
        job = said.get("job")
        of = (str(job.get("namespace", "")), str(job.get("name", ""))) if isinstance(job, dict) else ("", "")
        known = self.runs.get((own["runId"], of))
        name = known.name if known is not None else self.name(run_iri(own["runId"], of))
        if known is None and name not in self.said:
            self.said.add(name)
            self.document.add("activity", name, None, [(prov("label"), of[1])] if of[1] else ())
        if name != run.name:
            self.document.add("wasStartedBy", None, {"activity": run.name, "starter": name, "time": time})

    def columns(self, run: _Run, name: Name, facet: Any, own: _NAME) -> None:
        """Derivations from what the columns of an output come from, each with the columns as JSON."""
        fields = facet.get("fields") if isinstance(facet, dict) else None
        found: dict[_NAME, dict[str, list[str]]] = {}
        for column, said in fields.items() if isinstance(fields, dict) else ():
            for one in _list_in(said, "inputFields"):
                if isinstance(one, dict) and isinstance(one.get("namespace"), str) and isinstance(one.get("name"), str):
                    key = one["namespace"], one["name"]
                    found.setdefault(key, {}).setdefault(column, []).append(str(one.get("field", "")))
        for key, columns in found.items():
            used = run.inputs.get(key)
            cause = used[0] if used is not None else self.name(dataset_iri(*key))
            if used is None:
                self.known(cause, key, {})
            if key != own or cause != name:
                self.document.add(
                    "wasDerivedFrom", None, {"generatedEntity": name, "usedEntity": cause, "activity": run.name},
                    [("openlineage:columns", _json(columns))],
                )  # fmt: skip

    def dataset(self, name: Name, namespace: str, local: str, facets: Mapping[str, Any]) -> None:
        attributes: list[tuple[str | Name, Any]] = [
            (prov("type"), self.document.name("openlineage:Dataset")), (prov("label"), local),
            ("openlineage:namespace", namespace), ("openlineage:name", local),
        ]  # fmt: skip
        source = facets.get("dataSource")
        if isinstance(source, dict) and source.get("uri"):
            attributes.append((prov("location"), str(source["uri"])))
        self.document.add("entity", name, None, attributes + _kept("dataset", facets))
        thing = self.name(dataset_iri(namespace, local))
        if name.iri.startswith(f"{thing.iri}#"):
            if thing not in self.datasets and thing not in self.said:
                self.said.add(thing)
                self.document.add("entity", thing, None, attributes[:4])
            self.document.add("specializationOf", None, {"specificEntity": name, "generalEntity": thing})
        self.owners(name, facets)

    def job(self, job: _NAME, facets: Mapping[str, Any]) -> None:
        name = self.name(job_iri(*job))
        attributes: list[tuple[str | Name, Any]] = [
            (prov("type"), prov("Plan")), (prov("type"), self.document.name("openlineage:Job")), (prov("label"), job[1]),
            ("openlineage:namespace", job[0]), ("openlineage:name", job[1]),
        ]  # fmt: skip
        where = facets.get("sourceCodeLocation")
        if isinstance(where, dict) and where.get("url"):
            attributes.append((prov("location"), str(where["url"])))
        self.document.add("entity", name, None, attributes + _kept("job", facets))
        self.owners(name, facets)

    def owners(self, name: Name, facets: Mapping[str, Any]) -> None:
        said = facets.get("ownership")
        for owner in _list_in(said, "owners"):
            if isinstance(owner, dict) and owner.get("name"):
                agent = self.agent(str(owner["name"]), software=False)
                self.document.add("wasAttributedTo", None, {"entity": name, "agent": agent})

    def agent(self, called: str, *, software: bool = True) -> Name:
        iri = called if _IRI.fullmatch(called) else f"{_THINGS}agent/{quote(called, safe='')}"
        name = self.name(iri)
        if name not in self.said:
            self.said.add(name)
            kind = [(prov("type"), prov("SoftwareAgent"))] if software else []
            self.document.add("agent", name, None, [*kind, (prov("label"), called)])
        return name


def run_iri(id: str, job: _NAME, *, alone: bool = True) -> str:
    """``urn:uuid:`` and the id, as OpenLineage wants it; alone : False where another job has a run of this id."""
    if alone and _UUID.fullmatch(id):
        return f"urn:uuid:{id.lower()}"
    return f"{_THINGS}run/{'/'.join(quote(part, safe='') for part in (*job, id))}"


def dataset_iri(namespace: str, name: str) -> str:
    """The IRI of a dataset: one that its namespace and name make together, where they do."""
    local = quote(name, safe="/:@!$&'()*+,;=-._~")
    if re.fullmatch(r"[a-z][a-z0-9+.-]*://[^\s<>\"{}|\\^`#?]*", namespace):
        return f"{namespace.rstrip('/')}/{local.lstrip('/')}"
    if namespace == "urn:uuid" and _UUID.fullmatch(name):
        return f"urn:uuid:{name.lower()}"
    if namespace == "file":
        return f"file://{local if local.startswith('/') else f'/{local}'}"
    return f"{_THINGS}dataset/{quote(namespace, safe='')}/{quote(name, safe='')}"


def job_iri(namespace: str, name: str) -> str:
    """The IRI of a job."""
    return f"{_THINGS}job/{quote(namespace, safe='')}/{quote(name, safe='')}"


def _facets(part: Mapping[str, Any], key: str = "facets") -> dict[str, Any]:
    facets = part.get(key)
    return dict(facets) if isinstance(facets, dict) else {}


def _list_in(part: Any, key: str) -> list[Any]:
    found = part.get(key) if isinstance(part, dict) else None
    return found if isinstance(found, list) else []


def _version(facets: Mapping[str, Any]) -> str:
    said = facets.get("version")
    return str(said.get("datasetVersion") or "") if isinstance(said, dict) else ""


def _kept(part: str, facets: Mapping[str, Any]) -> list[tuple[str | Name, Any]]:
    return [
        (Name(f"{NAMESPACE}{part}.{quote(key, safe='')}", f"openlineage:{part}.{quote(key, safe='')}"), _json(value))
        for key, value in sorted(facets.items()) if key != FACET
    ]  # fmt: skip


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


# -- out ---------------------------------------------------------------------------------------------------------------


def write(document: Document) -> tuple[str, Losses]:
    """Events one a line, in the order of time: for each activity one at its start and one at its end, with what it read and wrote.

    A state of ``failed`` or ``aborted`` ends it with FAIL or ABORT; an activity without times has one OTHER event. What is
    not in them is a loss: they were read again and compared, statement by statement.
    """
    events = _Writer(document).events()
    text = "".join(_json(event) + "\n" for event in events)
    return text, _losses(document, read(text) if events else Document())


class _Writer:
    def __init__(self, document: Document) -> None:
        self.scope = document
        self.about: dict[str, dict[str, Statement]] = {"entity": {}, "activity": {}, "agent": {}}
        self.by: dict[str, dict[str, list[Statement]]] = defaultdict(lambda: defaultdict(list))
        for statement in document.statements:
            for one in statement.single():
                if one.kind in self.about and one.id is not None:
                    self.about[one.kind].setdefault(one.id.iri, one)
                activity = one.argument("activity")
                if isinstance(activity, Name):
                    self.by[one.kind][activity.iri].append(one)

    def events(self) -> list[dict[str, Any]]:
        found = [event for iri, one in self.about["activity"].items() for event in self.run(iri, one)]
        return sorted(found, key=lambda event: str(event["eventTime"]))

    def run(self, iri: str, one: Statement) -> Iterator[dict[str, Any]]:
        inputs = [self.dataset(s, "entity", "input") for s in self.by["used"][iri] if not _of(s, "role") & _FOR]
        outputs = [self.dataset(s, "entity", "output") for s in self.by["wasGeneratedBy"][iri]]
        job, producer = self.job(iri, one)
        common = {
            "producer": producer, "schemaURL": _SPEC, "job": job,
            "run": {"runId": run_id(iri), "facets": self.run_facets(iri, one)},
            "inputs": [i for i in inputs if i], "outputs": [o for o in outputs if o],
        }  # fmt: skip
        state = _text(one, NAMESPACE + "state") or {"failed": "FAIL", "aborted": "ABORT"}.get(_ending(one), "COMPLETE")
        start, end = one.argument("startTime"), one.argument("endTime")
        if isinstance(start, str):
            yield {"eventType": "START", "eventTime": _zoned(start), **common}
        if isinstance(end, str):
            yield {"eventType": state if state in _ENDS else "COMPLETE", "eventTime": _zoned(end), **common}
        if start is None and end is None:
            times = (s.argument("time") for kind in ("used", "wasGeneratedBy") for s in self.by[kind][iri])
            yield {"eventType": "OTHER", "eventTime": _zoned(next((str(t) for t in times if t), _NEVER)), **common}

    def run_facets(self, iri: str, one: Statement) -> dict[str, Any]:
        facets = _stated(one, "run")
        if FACET not in facets:
            facets[FACET] = _ours(one, iri)
        for started in self.by["wasStartedBy"][iri]:
            starter = started.argument("starter")
            parent = self.about["activity"].get(starter.iri) if isinstance(starter, Name) else None
            if isinstance(starter, Name) and parent is not None and "parent" not in facets:
                job = {k: v for k, v in self.job(starter.iri, parent)[0].items() if k != "facets"}
                facets["parent"] = _facet("1-0-1/ParentRunFacet", run={"runId": run_id(starter.iri)}, job=job)
        if _ending(one) == "failed" and "errorMessage" not in facets:
            message = next(
                (v.lexical for n, v in one.attributes if n.iri.endswith("#message") and isinstance(v, Literal)), ""
            )
            facets["errorMessage"] = _facet("1-0-0/ErrorMessageRunFacet", message=message or "failed",
                                            programmingLanguage="python")  # fmt: skip
        return facets

    def job(self, iri: str, one: Statement) -> tuple[dict[str, Any], str]:
        """The job of a run, and who says so: as it was read, or by what it is a run of."""
        producer, job = _PRODUCER, {}
        for association in self.by["wasAssociatedWith"][iri]:
            plan, agent = association.argument("plan"), association.argument("agent")
            known = self.about["entity"].get(plan.iri) if isinstance(plan, Name) else None
            if known is not None and _text(known, NAMESPACE + "name"):
                facets = _stated(known, "job")
                job = {"namespace": _text(known, NAMESPACE + "namespace"), "name": _text(known, NAMESPACE + "name"),
                       "facets": facets}  # fmt: skip
                producer = agent.iri if isinstance(agent, Name) else producer
        if job:
            return job, producer
        words = [_local(n) for n in _references(one, prov("type"))]
        owner = next(
            (v.lexical for n, v in one.attributes if n.iri.endswith("#class_name") and isinstance(v, Literal)), ""
        )
        name = ".".join(w for w in (owner, *words[:1]) if w) or _label(one) or _local(iri)
        kind = _facet("2-0-2/JobTypeJobFacet", processingType="BATCH", integration="PROVGRAPH", jobType="ACTIVITY")
        return {"namespace": "provgraph", "name": name, "facets": {"jobType": kind}}, producer

    def dataset(self, relation: Statement, role: str, part: str) -> dict[str, Any] | None:
        entity = relation.argument(role)
        if not isinstance(entity, Name):
            return None
        one = self.about["entity"].get(entity.iri) or Statement("entity", entity)
        namespace, name = _text(one, NAMESPACE + "namespace"), _text(one, NAMESPACE + "name")
        facets = _stated(one, "dataset")
        if not name:
            namespace, name = _parts(entity.iri)
        facets.setdefault(FACET, _ours(one, entity.iri))
        for key, facet in _described(one):
            facets.setdefault(key, facet)
        own = _stated(relation, part)
        return {"namespace": namespace, "name": name, "facets": facets, **({f"{part}Facets": own} if own else {})}


def run_id(iri: str) -> str:
    """The id of a run: that of the activity where it is a UUID, else one made from its IRI."""
    if iri.startswith("urn:uuid:") and _UUID.fullmatch(iri[9:]):
        return iri[9:]
    return str(uuid.uuid5(uuid.NAMESPACE_URL, iri))


def _parts(iri: str) -> _NAME:
    """Namespace and name of a thing that has an IRI."""
    if iri.startswith("urn:uuid:"):
        return "urn:uuid", iri[9:]
    found = re.fullmatch(r"([a-z][a-z0-9+.-]*://[^/]+)/(.+)", iri)
    return (found[1], found[2]) if found else ("provgraph", iri)


def _described(one: Statement) -> Iterator[tuple[str, dict[str, Any]]]:
    """Standard facets of what a survey says of its objects."""
    said = {_local(n.iri): v.lexical for n, v in one.attributes if isinstance(v, Literal)}
    columns: Mapping[str, list[Any]] = {}
    if "attribute_names" in said:
        columns = {k: _list(said.get(k)) for k in ("attribute_names", "dtypes", "units", "ucds")}
    fields = []
    for i, column in enumerate(columns.get("attribute_names", ())):
        rest = {k: str(columns[k][i]) for k in ("dtypes", "units", "ucds") if i < len(columns[k]) and columns[k][i]}
        words = ", ".join(f"{k}: {rest[f'{k}s']}" for k in ("unit", "ucd") if f"{k}s" in rest)
        fields.append({"name": str(column), "ordinal_position": i + 1,
                       **({"type": rest["dtypes"]} if "dtypes" in rest else {}),
                       **({"description": words} if words else {})})  # fmt: skip
    if fields:
        yield "schema", _facet("1-1-1/SchemaDatasetFacet", fields=fields)
    if "description" in said:
        yield "documentation", _facet("1-0-1/DocumentationDatasetFacet", description=said["description"])
    if location := said.get("location"):
        yield "dataSource", _facet("1-0-1/DatasourceDatasetFacet", name=location,
                                   **({"uri": location} if _IRI.fullmatch(location) else {}))  # fmt: skip


def _facet(which: str, **content: Any) -> dict[str, Any]:
    name = which.partition("/")[2]
    return {"_producer": _PRODUCER, "_schemaURL": f"{_FACETS}{which}.json#/$defs/{name}", **content}


def _ours(one: Statement, iri: str) -> dict[str, Any]:
    said: dict[str, list[str]] = {}
    for name, value in one.attributes:
        words = value.lexical if isinstance(value, Literal) else value.name.qname or value.name.iri
        if not name.iri.startswith(NAMESPACE) and len(words) <= _LONGEST:
            said.setdefault(name.qname or name.iri, []).append(words)
    return {"_producer": _PRODUCER, "_schemaURL": f"{_THINGS}ProvFacet.json", "iri": iri, "attributes": said}


def _stated(one: Statement, part: str) -> dict[str, Any]:
    """Facets that were read, from the attributes that keep them."""
    found: dict[str, Any] = {}
    start = f"{NAMESPACE}{part}."
    for name, value in one.attributes:
        if name.iri.startswith(start) and isinstance(value, Literal):
            try:
                found[name.iri[len(start) :]] = json.loads(value.lexical)
            except ValueError:
                continue
    return found


def _text(one: Statement, iri: str) -> str:
    return next((v.lexical for n, v in one.attributes if n.iri == iri and isinstance(v, Literal)), "")


def _label(one: Statement) -> str:
    return _text(one, prov("label").iri)


def _references(one: Statement, attribute: Name) -> list[str]:
    return [v.name.iri if isinstance(v, Reference) else v.lexical for v in one.values(attribute)]


def _of(one: Statement, word: str) -> set[str]:
    return {v.lexical for n, v in one.attributes if _local(n.iri) == word and isinstance(v, Literal)}


def _ending(one: Statement) -> str:
    return next(iter(_of(one, "status")), "")


def _local(iri: str) -> str:
    return re.split(r"[#/]", iri.rstrip("#/"))[-1]


def _list(text: str | None) -> list[Any]:
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return []
    return found if isinstance(found, list) else []


def _zoned(time: str) -> str:
    return time if re.search(r"(Z|[+-]\d\d:\d\d)$", time) else f"{time}Z"


def _losses(document: Document, again: Document) -> Losses:
    """What does not come back, with the reason; that more comes back is no loss."""
    losses = Losses()
    back = again.canonical()
    bare: dict[Any, list[Any]] = defaultdict(list)
    for kind, own, arguments, attributes in back:
        bare[kind, own if kind in ELEMENTS else "", arguments].append((own, attributes))
    known = {(kind, own) for kind, own, _, _ in back}
    for statement in document.statements:
        alone = Document()
        alone.statements.append(statement)
        reasons = []
        for key in alone.canonical():
            kind, own, arguments, attributes = key
            alike = bare[kind, own if kind in ELEMENTS else "", arguments]
            if back[key] > 0:
                back[key] -= 1
                reasons.append("")
            elif any(own in {"", other} and attributes <= there for other, there in alike):
                reasons.append("")
            elif alike:
                reasons.append("OpenLineage has no place for all of its identifier and attributes.")
            elif own and (kind, own) in known:
                reasons.append("OpenLineage says something else of it, such as another time.")
            else:
                reasons.append(_NOWHERE)
        for reason in filter(None, dict.fromkeys(reasons)):
            losses.add(document, statement, reason, whole=set(reasons) == {_NOWHERE})
    for bundle in document.bundles:
        losses.add(bundle, None, f"OpenLineage has no bundles; its {len(bundle.statements)} statements are left out.")
    for one in document.unknown:
        losses.add(document, None, f"{one.name} is of {one.format}, and left out.")
    return losses
