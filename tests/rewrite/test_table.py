"""The moves and simplifications that dependency graphs allow, and the rules that do them: none is missing.

An operator pair is written child(parent), as in the headers. SelectSources moves past the operators that leave the sources or
keep some of them in both directions; a Pass only lets it by, because it is removed itself.
"""

from __future__ import annotations

import pytest

from provgraph.rewrite import rule
from tests.rewrite.test_cases import ALL, CASES

MOVES = {
    "M1 a selection and a calculation": ["select_sources_past_attribute_calculator", "attribute_calculator_past_select_sources"],
    "M2 two selections of sources": ["select_sources_past_select_sources"],
    "M2 selections of sources and of attributes": [
        "select_sources_past_select_attributes", "select_attributes_past_select_sources",
    ],
    "M2 a selection and a filter": ["select_sources_past_filter_sources", "filter_sources_past_select_sources"],
    "M2 a selection and a renaming": ["select_sources_past_rename_attributes", "rename_attributes_past_select_sources"],
    "M2 a selection and a Pass": ["select_sources_past_pass"],
    "M3 a selection and joined attributes": [
        "select_sources_past_concatenate_attributes", "concatenate_attributes_past_select_sources",
    ],
    "M4 a selection and a union": ["select_sources_past_concatenate_sources"],
    "M5 a selection and other identifiers, translated": ["select_sources_past_relabel_sources"],
    "M7 a filter and joined attributes": ["filter_sources_past_concatenate_attributes"],
    "M8 a filter and a calculation joined with its parent": ["filter_sources_past_attribute_calculator"],
    "M9 attributes and a filter, with those of the criterion": ["select_attributes_past_filter_sources"],
    "M10 attributes and joined attributes": ["select_attributes_past_concatenate_attributes"],
    "M11 attributes and a calculation": [
        "select_attributes_past_attribute_calculator", "remove_attribute_calculator_without_attributes",
    ],
}  # fmt: skip
SIMPLIFICATIONS = {
    "S1 two filters": ["merge_filter_sources"],
    "S1 two selections of sources": ["merge_select_sources"],
    "S1 two selections of attributes": ["merge_select_attributes"],
    "S1 two renamings": ["merge_rename_attributes"],
    "S1 what changes nothing": [
        "remove_implied_filter_sources", "remove_implied_select_sources", "remove_identity_select_attributes",
        "remove_identity_rename_attributes",
    ],
    "S2 a parent without attributes": ["drop_parent_without_attributes"],
    "S3 concatenations of concatenations": ["flatten_concatenate_attributes", "flatten_concatenate_sources"],
    "S3 the same twice": [
        "remove_duplicate_parent", "remove_duplicate_parent_of_concatenate_sources", "merge_equal_steps",
    ],
    "S3 concatenations of one": ["remove_unary_concatenate_attributes", "remove_unary_concatenate_sources"],
    "S4 a part of another part": ["drop_contained_parent"],
    "S5 no sources": ["empty_to_external"],
    "S6 stored as a whole": ["stored_to_external"],
    "S7 stored for more sources": ["attribute_calculator_to_stored", "filter_stored_sources"],
    "S8 stored for fewer sources": ["calculate_what_is_missing"],
    "S9 a filter that keeps everything": ["remove_implied_filter_sources"],
    "S10 a Pass": ["remove_pass"],
}  # fmt: skip
OPERATORS = {
    "M1": {"SelectSources(AttributeCalculator)", "AttributeCalculator(SelectSources)"},
    "M2": {
        "SelectSources(SelectSources)", "SelectSources(SelectAttributes)", "SelectAttributes(SelectSources)",
        "SelectSources(FilterSources)", "FilterSources(SelectSources)", "SelectSources(RenameAttributes)",
        "RenameAttributes(SelectSources)", "SelectSources(Pass)",
    },
    "M3": {"SelectSources(ConcatenateAttributes)", "ConcatenateAttributes(SelectSources)"},
    "M4": {"SelectSources(ConcatenateSources)"},
    "M5": {"SelectSources(RelabelSources)"},
    "M7": {"FilterSources(ConcatenateAttributes)"},
    "M8": {"FilterSources(ConcatenateAttributes)"},
    "M9": {"SelectAttributes(FilterSources)"},
    "M10": {"SelectAttributes(ConcatenateAttributes)"},
    "M11": {"SelectAttributes(AttributeCalculator)"},
}  # fmt: skip
ROWS = {**MOVES, **SIMPLIFICATIONS}


def test_no_row_is_missing() -> None:
    moves = {f"M{n}" for n in range(1, 12)} - {"M6"}  # nothing has this number
    assert {row.split()[0] for row in ROWS} == moves | {f"S{n}" for n in range(1, 11)}


@pytest.mark.parametrize("row", ROWS)
def test_a_row_has_its_rules_and_they_their_cases(row: str) -> None:
    """One that works, which is applied a second time and then does nothing, and one that is refused: see `test_case`."""
    for name in ROWS[row]:
        found = rule.load(name)
        assert {"name", "operators", "replaces", "needs", "keeps", "paper"} <= found.statement.header.keys()
        assert (CASES / f"{name}.txt").is_file()
        assert {bool(case.unchanged) for case in ALL if case.rule == name} == {True, False}


@pytest.mark.parametrize("row", OPERATORS)
def test_a_move_is_of_these_operators(row: str) -> None:
    names = [name for said, names in MOVES.items() if said.split()[0] == row for name in names]
    found = {f"{child}({parent})" for name in names for child, parent in rule.load(name).operators}
    assert found == OPERATORS[row]
    assert row != "M2" or len(names) == len(found), "one rule for each pair"


def test_nothing_moves_past_a_whole_catalog() -> None:
    """What looks at all sources at once, or may make one of two, stops every selection."""
    whole = {case.rule for case in ALL if case.unchanged and any(step.whole_catalog for step in case.before)}
    assert {
        "select_sources_past_attribute_calculator", "attribute_calculator_past_select_sources",
        "filter_sources_past_attribute_calculator", "calculate_what_is_missing",
    } <= whole  # fmt: skip
    one_of_two = {
        case.rule for case in ALL
        if case.unchanged and any(s.operator == "RelabelSources" and not s.injective for s in case.before)
    }  # fmt: skip
    assert "select_sources_past_relabel_sources" in one_of_two
