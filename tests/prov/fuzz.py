"""Broken PROV files: bytes and JSON structure of valid ones changed at random. Each is read, or refused with one located error."""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from provgraph.errors import ProvgraphError
from provgraph.prov import FORMATS, Document, Literal, Name, Reference, dumps
from provgraph.prov.json import dumps as prov_json
from provgraph.prov.model import Entries, Keys, xsd

#: Longest time that one file may take, in seconds of the processor; tests, which share one with others, want to see an end only.
LIMIT, AN_END = 1.0, 30.0
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 10**40, "", "x", "ex:e", "_:b", "nope:x", "http://x/y", "\ud800", "é", "x" * 3000,
    [], {}, [[]], [None], {"$": 1}, {"$": "x", "type": "ex:t"}, {"@id": "ex:e"}, {"$": {"$": "x"}},
    {"@value": "x", "@language": "en", "@type": "xsd:int"},
)  # fmt: skip
WORDS = """\\u \\ud800 { } [ ] ( ) < > , ; : . - = % %% @ @en ^ ^^ / // /* # ' " \\ NaN 1e999 null document endBundle xmlns:a='' a:b
@prefix _:x prov: ex: wasDerivedFrom( &a; &#0; <![CDATA[ <!-- <?x?>"""
TOKENS = (
    *(t.encode() for t in (
        *WORDS.split(), "\n", "\r", "\t", " ", "\x00", "\x1b", '"""', "'''", "bundle ex:b", "<!DOCTYPE x [<!ENTITY a 'b'>]>",
        '"prefix": {}', '"bundle": {"ex:b": {"bundle": {}}},',
        "9" * 400, "[" * 300, "(" * 300, "<a>" * 300, "{" * 300, "é", "\ufeff",
    )),
    b"\xff", b"\xfe\xff", b"\xc3", b"\xed\xa0\x80", b"\x00\x00",
)  # fmt: skip
#: What a key may become.
KEYS = ("", "ex:y", "nope:z", "prefix", "bundle", "@id", "@type", "prov:entity", "entity", "used", "_:b", "$")


def example() -> Document:
    """A document with something of everything."""
    document = Document({"ex": "http://example.org/", "default": "http://d/"})
    add = document.add
    add(
        "entity",
        "ex:e",
        {},
        [("prov:type", Name("http://example.org/T")), ("ex:n", 5), ("ex:x", 1.5), ("prov:label", "a 'b' \"c\"\n")],
    )
    add(
        "entity",
        "plain",
        {},
        [("ex:say", Literal("ici", Name("http://www.w3.org/ns/prov#InternationalizedString"), "fr"))],
    )
    add("activity", "ex:a", {"startTime": "2026-11-21T12:00:00Z", "endTime": "2026-11-21T13:00:00Z"})
    add("agent", "ex:ag", {}, [("prov:type", Reference(Name("http://www.w3.org/ns/prov#Person")))])
    add("used", "ex:u", {"activity": "ex:a", "entity": "ex:e", "time": "2026-11-21T12:00:00Z"}, [("prov:role", "in")])
    add("wasGeneratedBy", "_:g1", {"entity": "plain", "activity": "ex:a"})
    add(
        "wasDerivedFrom",
        None,
        {"generatedEntity": "plain", "usedEntity": "ex:e", "generation": "_:g1", "usage": "ex:u"},
    )
    add("wasAssociatedWith", None, {"activity": "ex:a", "agent": "ex:ag"})
    add("hadMember", None, {"collection": "ex:c", "entity": "ex:e"})
    add("derivedByInsertionFrom", "ex:i", {"after": "ex:d2", "before": "ex:d1", "key-entity-set": Entries(
        ((Literal("1", xsd("int")), Name("http://example.org/e")),))})  # fmt: skip
    add(
        "derivedByRemovalFrom",
        None,
        {"after": "ex:d3", "before": "ex:d2", "key-set": Keys((Literal("1", xsd("int")),))},
    )
    bundle = document.bundle("ex:b", {"ex": "http://inner/"})
    bundle.add("entity", "ex:e")
    bundle.add("specializationOf", None, {"specificEntity": "ex:e", "generalEntity": "plain"})
    return document


def changed_bytes(content: bytes, rng: random.Random) -> bytes:
    """Some bytes changed, removed, repeated, inserted or exchanged."""
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        at, kind = rng.randrange(len(content) + 1), rng.randrange(9)
        end = min(len(content), at + rng.choice((1, 1, 2, 8, 60)))
        if kind == 0:
            content = content[:at] + bytes([rng.randrange(256)]) + content[at + 1 :]
        elif kind == 1:
            content = content[:at] + content[end:]
        elif kind == 2:
            content = content[:end] + content[at:end] * rng.choice((1, 1, 3, 50)) + content[end:]
        elif kind in (3, 4, 5):
            content = content[:at] + rng.choice(TOKENS) + content[at if kind == 3 else end :]
        elif kind == 6:
            content = content[:at]
        elif kind == 7:
            other = rng.randrange(len(content) + 1)
            content = content[:at] + content[other : other + 40] + content[at:]
        else:
            encoding = rng.choice(("utf-16", "latin-1", "utf-32", "utf-16-le", "utf-8-sig"))
            content = content.decode("utf-8", "replace").encode(encoding, "replace")
    return content


def changed_structure(content: bytes, rng: random.Random) -> bytes:
    """A value of JSON replaced, removed, wrapped, renamed or moved; sometimes a key stands there twice."""
    data = json.loads(content)
    places: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, inside in list(members):
            places.append((value, key))
            walk(inside)

    walk(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        holder, key = rng.choice(places)
        if (key not in holder) if isinstance(holder, dict) else (key >= len(holder)):
            continue
        kind = rng.randrange(6)
        if kind == 0:
            holder[key] = rng.choice(ODD)
        elif kind == 1:
            del holder[key]
        elif kind == 2:
            holder[key] = rng.choice(
                ([holder[key]], [holder[key]] * 2, {"$": holder[key]}, {"ex:x": holder[key]}, {"bundle": holder[key]})
            )
        elif kind == 3 and isinstance(holder, dict):
            holder[rng.choice(KEYS)] = holder.pop(key)
        elif kind == 4:
            other, name = rng.choice(places)
            if (name in other) if isinstance(other, dict) else (name < len(other)):
                with suppress(RecursionError):
                    holder[key] = json.loads(json.dumps(other[name]))
        else:
            value: Any = holder[key]
            for _ in range(rng.choice((5, 100, 5000))):
                value = [value] if rng.random() < 0.5 else {"a": value}
            holder[key] = value if rng.random() < 0.2 else holder[key]
    try:
        text = json.dumps(data)
    except RecursionError:
        text = "[" * 100_000
    if rng.random() < 0.2 and '"ex:e"' in text:
        text = text.replace('"ex:e"', '"ex:e": {}, "ex:e"', 1)
    return text.encode("utf-8", "surrogatepass")


def attempt(format: str, content: bytes, limit: float = LIMIT) -> str:
    """Read it as a format; what came of it. A wrong outcome begins with '!'."""
    began = time.thread_time()  # other threads, those of an embedded engine for one, do other things
    try:
        document = FORMATS[format].read(content)
        outcome = "read"
        for name in FORMATS if len(content) % 7 == 0 else (format,):  # what was read can be written, and read again
            text, losses = FORMATS[name].write(document)
            again = FORMATS[name].read(text.encode("utf-8"))
            if not losses and again != document:
                return f"! it comes back from {name} as something else"
    except ProvgraphError as error:
        if "\n" in error.message or "line" not in error.details:
            return f"! an error without a place, or of several lines: {error.message!r}"
        outcome = error.code
    except BaseException as error:
        return f"! {type(error).__name__}: {error}"
    seconds = time.thread_time() - began
    return f"! it takes {seconds:.1f} s" if seconds > limit else outcome


def run(runs: int, seed: int, report: Callable[[str, bytes, str], None], limit: float = LIMIT) -> Counter[str]:
    """So many attempts, always the same ones for a seed; each wrong outcome is reported with what was read."""
    rng = random.Random(seed)
    valid = {name: dumps(example(), name).encode() for name in FORMATS}
    valid["prov-json"] = prov_json(example()).encode()
    for name, content in valid.items():  # libraries are imported by whoever is first
        attempt(name, content)
    outcomes: Counter[str] = Counter()
    for _ in range(runs):
        format = rng.choice(tuple(FORMATS))
        structured = format in {"prov-json", "jsonld"} and rng.random() < 0.6
        content = (changed_structure if structured else changed_bytes)(valid[format], rng)
        outcome = attempt(format, content, limit)
        if outcome.startswith("!"):
            report(format, content, outcome)
            outcome = "wrong"
        outcomes[f"{format}: {outcome}"] += 1
    return outcomes


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/fuzz_prov", description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000, help="how many files (default: 10000)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed, the same files")
    options = parser.parse_args()
    wrong: list[str] = []

    def report(format: str, content: bytes, outcome: str) -> None:
        wrong.append(outcome)
        if len(wrong) <= 20:
            print(f"{format} {outcome}\n    {content[:3000]!r}", file=sys.stderr)

    for outcome, count in sorted(run(options.runs, options.seed, report).items()):
        print(f"{count:8} {outcome}")
    print(f"{len(wrong)} of {options.runs} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
