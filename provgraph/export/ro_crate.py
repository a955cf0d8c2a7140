"""A PROV document as a Process Run Crate: RO-Crate 1.1 with an action for each activity (Workflow Run RO-Crate 0.5)."""

from __future__ import annotations

import hashlib
import json
import mimetypes
import os
import re
import secrets
import shutil
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from provgraph.errors import StorageError, UsageError
from provgraph.export.tables.files import replacing
from provgraph.prov import formats
from provgraph.prov.model import Document, Literal, Name, Reference, Statement, prov

CRATE: Final = "https://w3id.org/ro/crate/1.1"
PROFILE: Final = "https://w3id.org/ro/wfrun/process/0.5"
METADATA: Final = "ro-crate-metadata.json"
PROV_FILE: Final = "provenance.prov.json"
_SOFTWARE: Final = "https://provgraph.org/"
_FOR: Final = frozenset({"target", "self"})  # what a call of ours was made for or on, which is nothing that it read
_PARAMETER: Final = "/parameter#"


def write(document: Document, out: Path, *, name: str, root: str = "", license: str = "", published: str,
          files: Sequence[Path] = ()) -> None:  # fmt: skip
    """A crate as a directory, or as a ZIP file where `out` ends in ``.zip``: whole or absent.

    Parameters
    ----------
    name : of the crate. root : IRI of what it is about. license : IRI or words; where none is known, that is what the crate
        says. published : date. files : that are put into its folder ``files``.

    Raises
    ------
    UsageError : ``crate_exists`` where the directory has something in it. StorageError : where it cannot be written.
    """
    if out.suffix.lower() != ".zip" and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(
            f"{out} is there already; a crate is a new directory, or a file that ends in .zip.", code="crate_exists"
        )
    parts = [f"files/{file.name}" for file in files]
    made = _Crate(document, root).described(name, license, published, dict(zip(parts, files, strict=True)))
    texts = {METADATA: json.dumps(made, ensure_ascii=False, indent=2) + "\n", PROV_FILE: formats.dumps(document)}
    try:
        if out.suffix.lower() == ".zip":
            with replacing(out) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
                for local, text in texts.items():
                    archive.writestr(local, text)
                for local, file in zip(parts, files, strict=True):
                    archive.write(file, local)
            return
        with _directory(out) as folder:
            for local, text in texts.items():
                (folder / local).write_text(text, encoding="utf-8")
            for local, file in zip(parts, files, strict=True):
                (folder / local).parent.mkdir(exist_ok=True)
                shutil.copyfile(file, folder / local)
    except OSError as error:
        raise StorageError(f"{out} cannot be written: {error.strerror or error}.", path=str(out)) from None


@contextmanager
def _directory(out: Path) -> Iterator[Path]:
    """A directory that gets its name when everything in it is on the disk."""
    part = out.with_name(f".{out.name[:100]}.{secrets.token_hex(6)}.part")
    part.mkdir(parents=True)
    try:
        yield part
        for file in part.rglob("*"):
            if file.is_file():
                with file.open("rb") as opened:
                    os.fsync(opened.fileno())
        if out.is_dir():
            out.rmdir()
        part.rename(out)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


class _Crate:
    def __init__(self, document: Document, root: str) -> None:
        self.document, self.root = document, root
        self.said: dict[str, dict[str, Statement]] = {"entity": {}, "activity": {}, "agent": {}}
        self.by: dict[str, dict[str, list[Statement]]] = defaultdict(lambda: defaultdict(list))
        for scope in document.scopes():
            for one in (single for whole in scope.statements for single in whole.single()):
                if one.kind in self.said and one.id is not None:
                    self.said[one.kind].setdefault(one.id.iri, one)
                if isinstance(activity := one.argument("activity"), Name):
                    self.by[one.kind][activity.iri].append(one)
        self.graph: dict[str, dict[str, Any]] = {}

    def described(self, name: str, license: str, published: str, files: Mapping[str, Path]) -> dict[str, Any]:
        """The JSON-LD of the crate."""
        actions = [self.action(iri, one) for iri, one in self.said["activity"].items()]
        about = self.thing(self.root) if self.root in self.said["entity"] else None
        parts = [self.file(PROV_FILE, "What led to it, as W3C PROV-JSON", "application/json")]
        parts += [self.file(local, path.name, "", path) for local, path in files.items()]
        people = [{"@id": iri} for iri, one in self.graph.items() if one["@type"] in {"Person", "Organization"}]
        stated = license if re.match(r"https?://", license) else "#license"
        self.graph[stated] = {"@id": stated, "@type": "CreativeWork", "name": license or "No license was stated",
                              "description": "The license of the crate" if license else "Nobody stated a license."}  # fmt: skip
        crate = {
            "@id": "./", "@type": "Dataset", "name": name, "datePublished": published, "license": {"@id": stated},
            "description": f"{name}, with the {len(actions)} activities that led to it, as provgraph recorded or imported them.",
            "conformsTo": {"@id": PROFILE}, "hasPart": _one(parts), **({"mentions": _one(actions)} if actions else {}),
            **({"author": _one(people)} if people else {}), **({"about": about} if about else {}),
        }  # fmt: skip
        head: list[dict[str, Any]] = [
            {"@id": METADATA, "@type": "CreativeWork", "conformsTo": {"@id": CRATE}, "about": {"@id": "./"}}, crate,
            {"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
        ]  # fmt: skip
        return {"@context": f"{CRATE}/context", "@graph": [*head, *self.graph.values()]}

    def add(self, id: str, type: str, **said: Any) -> dict[str, str]:
        some = {k: _one(v) for k, v in said.items() if v not in (None, "", [])}
        self.graph.setdefault(id, {"@id": id, "@type": type, **some})
        return {"@id": id}

    def file(self, local: str, name: str, media: str, path: Path | None = None) -> dict[str, str]:
        more: dict[str, Any] = {}
        if path is not None:
            media = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            with path.open("rb") as opened:
                more = {
                    "contentSize": str(path.stat().st_size),
                    "sha256": hashlib.file_digest(opened, "sha256").hexdigest(),
                }
        return self.add(quote(local), "File", name=name, encodingFormat=media, **more)

    def action(self, iri: str, one: Statement) -> dict[str, str]:
        status = next(iter(_values(one, "status")), "")
        failed = status in {"failed", "aborted"} or bool({"FAIL", "ABORT"} & set(_values(one, "state")))
        read = [s for s in self.by["used"][iri] if not _FOR & {_text(v) for v in s.values(prov("role"))}]
        objects = [self.thing(e.iri) for s in read if isinstance(e := s.argument("entity"), Name)]
        results = [
            self.thing(e.iri) for s in self.by["wasGeneratedBy"][iri] if isinstance(e := s.argument("entity"), Name)
        ]
        people: list[dict[str, str]] = []
        instruments: list[dict[str, str]] = []
        for association in self.by["wasAssociatedWith"][iri]:
            agent, plan = association.argument("agent"), association.argument("plan")
            if isinstance(plan, Name):
                instruments.append(self.plan(plan.iri))
            if isinstance(agent, Name):
                made = self.agent(agent.iri)
                (people if self.graph[made["@id"]]["@type"] in {"Person", "Organization"} else instruments).append(made)
        if not instruments:
            instruments.append(self.add(_SOFTWARE, "SoftwareApplication", name="provgraph", url=_SOFTWARE,
                                        description="What recorded or imported this action."))  # fmt: skip
        objects += self.arguments(iri, one)
        label = _label(one) or _local(iri)
        message = next(iter(_values(one, "message")), "")
        return self.add(
            _id(iri), "CreateAction", name=label, description=f"{label}, activity {iri}",
            startTime=_time(one.argument("startTime")), endTime=_time(one.argument("endTime")),
            instrument=_unique(instruments), agent=_unique(people), object=_unique(objects), result=_unique(results),
            actionStatus=f"http://schema.org/{'Failed' if failed else 'Completed'}ActionStatus",
            error=(message or status) if failed else None,
        )  # fmt: skip

    def arguments(self, iri: str, one: Statement) -> list[dict[str, str]]:
        """The arguments of a call, each as a PropertyValue."""
        try:
            found = json.loads(next(iter(_values(one, "arguments")), "{}"))
        except ValueError:
            return []
        return [
            self.add(f"{_id(iri)}/argument/{quote(str(key), safe='')}", "PropertyValue", name=str(key), value=_plain(value))
            for key, value in (found.items() if isinstance(found, dict) else ()) if value is not None
        ]  # fmt: skip

    def thing(self, iri: str) -> dict[str, str]:
        one = self.said["entity"].get(iri)
        if one is None:
            return self.add(_id(iri), "CreativeWork", name=_local(iri), identifier=iri)
        parameters = [(n.iri.partition(_PARAMETER)[2], v) for n, v in one.attributes if _PARAMETER in n.iri]
        if parameters:
            values = [
                self.add(f"{_id(iri)}/{name}", "PropertyValue", name=name, value=_text(v)) for name, v in parameters
            ]
            return self.add(_id(iri), "CreativeWork", name="process parameters", identifier=iri, hasPart=values)
        size, digest = (next(iter(_values(one, key)), None) for key in ("size", "digest"))
        sha = digest.removeprefix("sha256:") if digest and digest.startswith("sha256:") else None
        return self.add(
            _id(iri), "CreativeWork", name=_label(one) or _local(iri), identifier=iri, additionalType=_types(one),
            description=next(iter(_values(one, "description")), None), contentSize=size, sha256=sha,
        )  # fmt: skip

    def plan(self, iri: str) -> dict[str, str]:
        one = self.said["entity"].get(iri) or Statement("entity", None)
        version = next((v for key in ("version", "digest") for v in _values(one, key)), "unknown")
        return self.add(_id(iri), "SoftwareSourceCode", name=_label(one) or _local(iri), version=version, identifier=iri,
                        url=next((v.lexical for v in one.values(prov("location")) if isinstance(v, Literal)), None),
                        text=next(iter(_values(one, "text")), None) or next(iter(_values(one, "expression")), None))  # fmt: skip

    def agent(self, iri: str) -> dict[str, str]:
        one = self.said["agent"].get(iri) or Statement("agent", None)
        types = {v.name.iri for v in one.values(prov("type")) if isinstance(v, Reference)}
        name = _label(one) or _local(iri)
        if prov("SoftwareAgent").iri in types:
            version = next(iter(_values(one, "version")), "unknown")
            return self.add(_id(iri), "SoftwareApplication", name=name, softwareVersion=version, identifier=iri)
        return self.add(
            _id(iri), "Organization" if prov("Organization").iri in types else "Person", name=name, identifier=iri
        )


def _id(iri: str) -> str:
    """An IRI where JSON-LD takes it; blank names are of this file."""
    return f"#{quote(iri[2:], safe='')}" if iri.startswith("_:") else quote(iri, safe=":/?#[]@!$&'()*+,;=%-._~")


def _values(one: Statement, local: str) -> list[str]:
    return [_text(v) for n, v in one.attributes if _local(n.iri) == local and not n.iri.startswith(prov("").iri)]


def _types(one: Statement) -> list[str]:
    return [v.name.qname or v.name.iri for v in one.values(prov("type")) if isinstance(v, Reference)]


def _label(one: Statement) -> str:
    return next((v.lexical for v in one.values(prov("label")) if isinstance(v, Literal)), "")


def _time(said: Any) -> str | None:
    """A time as the profile wants it, to the millisecond with an offset; the PROV document has it as it was."""
    try:
        found = datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        return None
    return (
        None
        if found is None
        else (found if found.tzinfo else found.replace(tzinfo=UTC)).isoformat(timespec="milliseconds")
    )


def _text(value: Any) -> str:
    return value.lexical if isinstance(value, Literal) else str(value.name.iri)


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool) else json.dumps(value, ensure_ascii=False)


def _local(iri: str) -> str:
    return re.split(r"[#/]", iri.rstrip("#/"))[-1]


def _unique(found: list[dict[str, str]]) -> list[dict[str, str]]:
    return list({one["@id"]: one for one in found}.values())


def _one(value: Any) -> Any:
    """JSON-LD writes a single value without a list."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value
