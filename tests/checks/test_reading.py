"""Reading policies: what is wrong is one sentence with the place, the nearest word and a stable code."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provgraph.checks import rules
from provgraph.checks.example import EXAMPLE
from provgraph.checks.reading import ASSERTIONS, parse_policy, read_policy
from provgraph.errors import FileUnreadable, InvalidInput

HEAD = '[[rule]]\nname = "one"\nfor = { published = true }\n'


def test_a_policy_is_plain_data() -> None:
    policy = parse_policy(
        'name = "p"\n\n[[rule]]\nname = "one"\nseverity = "warning"\nfor = { class = "DataFile", newest = true }\n'
        'descends_from = { class = "DataFile", where = "size > 1", newer_than = "1.5 h", time = "created", at_least = 2 }\n'
        'not_upstream = [{ calls = "*.make" }, { name = "x*", after = 2026-03-01 }]\nnewest = false\n'
    )
    (rule,) = policy.rules
    assert (rule.name, rule.severity, rule.line) == ("one", "warning", 3)
    assert rule.things == rules.For(("DataFile",), newest=True)
    when = rules.When(newer_than=5400.0, time="created")
    assert rule.assertions == (
        ("descends_from", rules.DescendsFrom(rules.What(("DataFile",), where="size > 1", when=when), 2)),
        ("not_upstream", rules.NotUpstream(rules.What(calls="*.make"))),
        (
            "not_upstream",
            rules.NotUpstream(rules.What(name="x*", when=rules.When(after="2026-03-01T00:00:00.000000Z"))),
        ),
    )
    assert policy.digest == parse_policy(policy.text).digest != parse_policy(EXAMPLE).digest


@pytest.mark.parametrize(("text", "code", "says"), [
    ("rule = [", "policy_syntax", "no TOML"),
    ("", "policy_incomplete", "there is no rule"),
    ('nmae = "x"\n' + HEAD + "valid = true", "policy_key", "line 1: 'nmae' means nothing in a policy; did you mean 'name'?"),
    ('[[rule]]\nfor = { published = true }\nvalid = true', "policy_incomplete", "line 1, rule 1: the rule has no name"),
    ('[[rule]]\nname = "a"\nvalid = true', "policy_incomplete", "does not say what it is for"),
    (HEAD, "policy_incomplete", "asserts nothing"),
    (HEAD + "valid = false", "policy_incomplete", "asserts nothing"),
    (HEAD + "valid = true\n" + HEAD + "valid = true", "policy_value", "line 6, rule 'one': another rule has this name"),
    (HEAD + 'decends_from = { class = "A" }', "policy_key",
     "line 4, rule 'one': 'decends_from' means nothing in a rule; did you mean 'descends_from'?"),
    (HEAD + 'descends_from = { clas = "A" }', "policy_key", "line 4, rule 'one': 'clas' means nothing in descends_from"),
    (HEAD + 'descends_from = "A"', "policy_value", "descends_from is a table, such as { class ="),
    (HEAD + "descends_from = { at_least = 2 }", "policy_incomplete", "names a class, a name, or calls"),
    (HEAD + 'descends_from = { class = "A", at_least = 0 }', "policy_value", "a whole number from 1"),
    (HEAD + 'descends_from = { class = "A", newer_than = "soon" }', "policy_value", 'a time such as "24 h"'),
    (HEAD + 'descends_from = { class = "A", newer_than = 24 }', "policy_value", 'a time such as "24 h"'),
    (HEAD + 'descends_from = { class = "A", after = 07:00:00 }', "policy_value", "after is a date or a time"),
    (HEAD + 'descends_from = { class = "A", time = "taken" }', "policy_incomplete", "time goes with newer_than"),
    (HEAD + 'descends_from = { class = "A", newer_than = "1 d", measured_at = "moon" }', "policy_value",
     "there are: making, now"),
    (HEAD + 'not_upstream = { class = "A", calls = "A.make" }', "policy_value", "objects or for calls, not for both (class)"),
    (HEAD + 'not_upstream = { name = "a", where = "x > 1" }', "policy_incomplete", "asks for properties of a class"),
    (HEAD + 'every_upstream = { class = "A" }', "policy_incomplete", "says how they must be"),
    (HEAD + 'every_upstream = { name = "a", must = "x > 1" }', "policy_incomplete", "must asks for properties of a class"),
    (HEAD + 'every_activity = ["agents"]', "policy_value", "did you mean 'agent'?"),
    (HEAD + "every_activity = []", "policy_value", "a text or a list of texts"),
    (HEAD + 'software = { numpy = "two" }', "policy_value", 'write them like ">=1.2,<2"'),
    (HEAD + "software = {}", "policy_incomplete", "names packages"),
    (HEAD + "software = { numpy = 2 }", "policy_value", "software.numpy is a text, not 2"),
    (HEAD + 'valid = "yes"', "policy_value", "valid is true or false"),
    (HEAD + 'stored = "somewhere"', "policy_value", "there are: present, verified"),
    (HEAD + "max_depth = -1", "policy_value", "a whole number from 0"),
    (HEAD + "max_depth = true", "policy_value", "a whole number from 0"),
    (HEAD + "has = {}", "policy_incomplete", "has says nothing"),
    (HEAD + 'severity = "fatal"\nvalid = true', "policy_value", "line 4, rule 'one': severity = 'fatal' is nothing"),
    (HEAD.replace("published = true", "newest = true") + "valid = true", "policy_incomplete", "for names a class"),
    (HEAD.replace("published = true", "published = false") + "valid = true", "policy_incomplete", "looked for in a class"),
    (HEAD.replace("published = true", 'published = true, where = "a = 1"') + "valid = true", "policy_incomplete",
     "for names one"),
    ("rule = 3", "policy_incomplete", "there is no rule"),
    ("rule = [3]", "policy_value", "rule is a table"),
    ("[[[[", "policy_syntax", "no TOML"),
    (f"rule = {'[' * 5000}", "policy_syntax", "no TOML"),
])  # fmt: skip
def test_what_is_wrong_is_told(text: str, code: str, says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_policy(text, source="policy.toml")
    assert caught.value.code == code
    assert says in caught.value.message
    assert caught.value.message.startswith("policy.toml")
    assert "\n" not in caught.value.message.strip()


def test_lines_are_found_past_texts_of_several_lines() -> None:
    text = '[[rule]]\nname = "a"\ndescription = """\n[[rule]]\nvalid = 3\n"""\nfor = { published = true }\nvalid = 3\n'
    with pytest.raises(InvalidInput) as caught:
        parse_policy(text)
    assert caught.value.details["line"] == 8


def test_the_example_is_a_policy_with_every_word() -> None:
    policy = parse_policy(EXAMPLE)
    assert len(policy.rules) == 6
    for word in ASSERTIONS:
        assert f"{word} = " in EXAMPLE
    commented = [line[4:] for line in EXAMPLE.splitlines() if line.startswith("#   ") and " = " in line]
    assert {word for word in ASSERTIONS if not any(w == word for r in policy.rules for w, _ in r.assertions)} <= {
        line.partition(" =")[0] for line in commented
    } | {"newest"}
    for line in commented:  # what stands in comments is right, too
        about = line.partition(" =")[0]
        rest = "valid = true" if about == "for" else 'for = { class = "MasterFlat" }'
        parse_policy(f'[[rule]]\nname = "x"\n{line}\n{rest}')


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes('name = "Måns"'.encode("latin-1"))
    (tmp_path / "large.toml").write_bytes(b"#" * 1_000_001)
    for name in ("missing.toml", "latin.toml", "large.toml", "."):
        with pytest.raises(FileUnreadable) as caught:
            read_policy(tmp_path / name)
        assert caught.value.code == "policy_unreadable"
    (tmp_path / "windows.toml").write_bytes(b"\xef\xbb\xbf" + EXAMPLE.replace("\n", "\r\n").encode())
    assert read_policy(tmp_path / "windows.toml").digest == parse_policy(EXAMPLE).digest


@given(st.integers(0, len(EXAMPLE) - 1), st.integers(0, 60), st.text(max_size=8))
def test_a_changed_policy_is_read_or_refused(at: int, length: int, text: str) -> None:
    changed = EXAMPLE[:at] + text + EXAMPLE[at + length :]
    refused = ""
    try:
        parse_policy(changed)
    except InvalidInput as error:
        refused = error.code
    assert refused in {"", "policy_syntax", "policy_key", "policy_value", "policy_incomplete"}
