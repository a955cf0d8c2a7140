"""Redaction: what each rule takes out of texts, what stays, and that hostile texts take no time."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from provgraph.export.native import document, stated
from provgraph.export.redaction import LEFT_OUT, NONE, PRIVATE, RULES, Redaction, redacted
from provgraph.graph.lineage import Lineage, Node
from provgraph.prov import validate
from tests.export.lineages import EVIL, edge, evil, node, pulled


def one(
    text: Any, *, kind: str = "activity", policy: Redaction = PRIVATE, person: str = "Ada Lovelace"
) -> tuple[Any, dict[str, int]]:
    """A property of a call, or of another node, after redaction."""
    nodes = (
        node("x", kind, "Program", "run", said=text),
        node("agent:00", "agent", "person", person, kind="person", name=person),
    )
    found, said = redacted(Lineage(("x",), nodes, (), True, 0, 1, 0.0), policy)
    return found.nodes[0].properties["said"], {
        k: n for k, n in said.counts.items() if not (k == "user names" and n == 1)
    }


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("/home/ada/data/x.fits", "~/data/x.fits"),
        ("read /Users/ada/x, wrote /home/bob", "read ~/x, wrote ~"),
        ("file:///home/ada/x", "file://~/x"),
        ("/net/pi/home/ada/x", "/net/pi/~/x"),
        (r"C:\Users\ada\x.fits", r"~\x.fits"),
        ("/root/x and /rooted/x", "~/x and /rooted/x"),
        ("by Ada Lovelace, ada@example.org", "by (user), (user)"),
        ("/home/ada/x is of ada, not of adam", "~/x is of (user), not of adam"),
        ("PATH=/usr/bin:/bin run", "PATH=(redacted) run"),
        ("env MY_TOKEN='a b' run -GAIN 1.5", "env MY_TOKEN=(redacted) run -GAIN 1.5"),
        ("--password=abc --token  xyz", "--password=(redacted) --token  (redacted)"),
        ("api_key=abc", "api_key=(redacted)"),
        ("sftp://ada:abc@host.example/x", "sftp://(redacted)@host.example/x"),
        ("the token is a word, z < 0.5", "the token is a word, z < 0.5"),
        ("bright@2 and z=3", "bright@2 and z=3"),
    ],
)
def test_texts_of_calls(before: str, after: str) -> None:
    found, counts = one(before)
    assert found == after
    assert bool(counts) == (before != after)
    assert one(found)[0] == found, "again: nothing is left to be taken out"
    assert one(before, policy=NONE) == (before, {})


def test_arguments_are_read_as_json() -> None:
    given = {
        "env": {"HOME": "/x", "N": 3},
        "command": ["run", "--api-key", "abc", "/home/ada/x"],
        "password": "p",
        "sigma": 3.0,
    }
    found, counts = one(json.dumps(given))
    assert json.loads(found) == {
        "env": {"HOME": "(redacted)", "N": "(redacted)"}, "command": ["run", "--api-key", "(redacted)", "~/x"],
        "password": "(redacted)", "sigma": 3.0,
    }  # fmt: skip
    assert counts == {"environment variables": 2, "secrets": 2, "home directories": 1}
    untouched = '{"b": 1,  "a": 2}'
    assert one(untouched)[0] == untouched


def test_what_is_no_call_keeps_its_equations_and_loses_literal_secrets() -> None:
    code = 'GAIN=1.5\npassword = "hunter2"\n'
    assert one(code, kind="entity")[0] == 'GAIN=1.5\npassword = "(redacted)"\n'
    assert one(["a", "/home/ada"], kind="entity")[0] == ["a", "~"]
    assert one(3.5, kind="entity")[0] == 3.5


def test_a_policy_keeps_adds_and_leaves_out() -> None:
    policy = Redaction(
        "ours", RULES, keep=("GAIN",), users=("babbage",), patterns=(("machines", r"node\d+", "(machine)"),)
    )
    assert one("GAIN=1.5 SNR=5 babbage on node17", policy=policy)[0] == "GAIN=1.5 SNR=(redacted) (user) on (machine)"
    nodes = (node("x", "activity", "Program", "run", said="a", method="m"),)
    found, said = redacted(
        Lineage(("x",), nodes, (), True, 0, 1, 0.0), Redaction("less", (), leave_out=("said", "method"))
    )
    assert "said" not in found.nodes[0].properties
    assert found.nodes[0].properties["method"] == "m", "what statements are made of stays"
    assert said.counts == {LEFT_OUT: 1}


def test_persons_are_numbered_wherever_they_are_named() -> None:
    found, said = redacted(pulled(), PRIVATE)
    person = next(n for n in found.nodes if n.properties.get("kind") == "person")
    assert (person.id, person.label, person.properties["name"]) == ("agent:person1", "person 1", "person 1")
    assert "0123456789abcdef0123" not in repr((found.nodes, found.edges))
    assert [n.label for n in found.nodes if n.properties.get("kind") in {"software", "organisation"}] == [
        "provgraph",
        "KIT",
    ]
    assert said.counts == {"user names": 1}
    made = document(found, said)
    assert stated(made) == "Redacted (private): user names (1)"
    assert validate(made).valid
    assert stated(document(pulled())) == ""
    assert redacted(pulled(), NONE)[0] == pulled()


def test_hostile_texts_come_out_and_take_no_time() -> None:
    found, said = redacted(evil(), PRIVATE)
    assert len(found.nodes) == len(evil().nodes)
    document(found, said)
    for text in ("a" * 65536, "/a" * 32768, "A_" * 32768, "a-" * 32768 + "token", "@" * 65536, "x@a." * 16384, "://a:" * 13000,
                 "/home/" * 10000, "token= " * 9000, EVIL * 500, "[" * 65536, '{"a":' * 10000):  # fmt: skip
        began = time.process_time()
        one(text)
        one(text, kind="entity")
        assert time.process_time() - began < 1, text[:20]


def test_edges_lead_to_the_same_nodes() -> None:
    nodes: tuple[Node, ...] = (
        node("x", "entity", "Frame"),
        node("agent:00", "agent", "person", "Ada", kind="person", name="Ada"),
    )
    lineage = Lineage(("x",), nodes, (edge("x", "WAS_ATTRIBUTED_TO", "agent:00"),), True, 0, 1, 0.0)
    found, _ = redacted(lineage, PRIVATE)
    assert {found.edges[0].source, found.edges[0].target} == {n.id for n in found.nodes}
