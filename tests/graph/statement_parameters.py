"""For each statement, slots and parameters with which the contract suite runs it on every engine."""

from __future__ import annotations

from typing import Any

from provgraph.graph.statements import all_statements, load

# Labels and property keys that the slots below use and no module declares when it is imported.
DECLARED = ("Entity", "DBObject", "SourceCollection", "External", "object_id", "agent_id", "name")

_NODE = {"object_id": "a", "properties": {"object_id": "a", "lineage_key": "k:a"}}
_EDGE = {"source": "a", "target": "b", "properties": {"role": "parent", "index": 0}}
_ENDS = {"source_label": "Entity", "source_key": "object_id", "target_label": "Entity", "target_key": "object_id"}
_PAIR = {"replaced": "a", "replacement": "b"}
_STEP = {
    "id": "a", "operator": "External", "names": ["ra"], "origins": ["o:1"], "criterion": "", "definition": "",
    "inputs": [], "parameters": "", "whole_catalog": False, "source_list": "", "atoms": ["s:1"], "lineage_key": "k:1",
    "stored": ["o:1"], "old": ["ra"], "new": ["alpha"], "policy": "", "relabelling": "", "injective": False, "strict": False,
}  # fmt: skip
_SET = {
    "id": "a", "kind": "set", "arity": 0, "empty": False, "n": 3, "relabelling": "", "injective": False,
}  # fmt: skip
_STARTED = "2026-11-21T07:41:00.123456Z"

FOR_STATEMENTS: dict[str, tuple[dict[str, str | int], dict[str, Any]]] = {
    # name: (slots, parameters)
    "load/begin": ({}, {"import_id": "i", "started": _STARTED}),
    "load/edge_type": ({"relation": "USED"}, {}),
    "load/edges": ({"relation": "USED", **_ENDS}, {"rows": [_EDGE]}),
    "load/end": ({}, {"import_id": "i"}),
    "load/node_type": ({"labels": "Entity:DBObject"}, {}),
    "load/nodes": ({"labels": "Entity:DBObject"}, {"rows": [{"object_id": "a"}]}),
    "load/record_ids": ({"label": "Entity", "key": "object_id"}, {"keys": ["a"]}),
    "load/undo": ({"label": "Entity"}, {"import_id": "i", "most": 10}),
    "load/unfinished": ({}, {}),
    "schema/steps_index": ({}, {}),
    "queries/attribute_names": ({}, {}),
    "queries/calculations_measured": ({}, {"ids": ["a"]}),
    "queries/collections_by_source_set": ({}, {"keys": ["s:1"]}),
    "queries/collections_introducing": ({}, {"names": ["redshift"]}),
    "queries/merge_source_sets": (
        {},
        {"rows": [{"key": "S:1", "atoms": ["s:1"], "space": "x", "fingerprint": "00"}]},
    ),
    "queries/source_sets_like": ({}, {"fingerprint": "00", "space": "x"}),
    "queries/source_sets_known": ({}, {"keys": ["S:1"]}),
    "queries/source_atoms": ({}, {"atoms": ["c:1"]}),
    "queries/criteria_reading": ({}, {"origins": ["o:1"]}),
    "queries/relate_atoms": ({"relation": "SUBSET_OF"}, {"rows": [{"one": "c:1", "other": "c:2"}]}),
    "queries/merge_reads": ({}, {"rows": [{"atom": "c:1", "origin": "o:1"}]}),
    "queries/entities_with_ucd": ({"label": "External"}, {"ucd": "pos.eq.ra"}),
    "queries/cone": ({"depth": 100}, {"id": "a"}),
    "queries/create_edges": ({"relation": "WAS_DERIVED_FROM", **_ENDS}, {"rows": [_EDGE]}),
    "queries/create_entities": ({"labels": "Entity:DBObject"}, {"rows": [_NODE]}),
    "queries/create_nodes": ({"label": "Activity"}, {"rows": [{"properties": {"activity_id": "x"}}]}),
    "queries/definitions_providing": ({}, {"names": ["absmag_i"]}),
    "queries/entities_by_id": ({}, {"ids": ["a"]}),
    "queries/entities_by_lineage_key": ({}, {"keys": ["k:a"], "project": "default"}),
    "queries/entities_by_name": ({}, {"name": "bright"}),
    "queries/entities_of_class": ({"label": "External"}, {"before": _STARTED, "limit": 10}),
    "queries/files_by_digest": ({}, {"digest": "sha256:00"}),
    "queries/files_written_from": ({}, {"id": "a"}),
    "queries/lineage_activities": ({"calls": 8}, {"ids": ["x"], "agents": ["p"]}),
    "queries/lineage_down": ({}, {"ids": ["a"], "depth": 3, "limit": 10}),
    "queries/lineage_entities": ({}, {"ids": ["a"], "up": ["a"], "down": ["a"]}),
    "queries/lineage_up": ({}, {"ids": ["a"], "depth": 3, "limit": 10}),
    "queries/links_of": ({}, {"ids": ["a"]}),
    "queries/merge_nodes": ({"label": "Agent", "key": "agent_id"}, {"rows": [{"key": "p", "properties": {}}]}),
    "queries/names_given": ({}, {"limit": 10}),
    "queries/notes_about": ({}, {"ids": ["a"]}),
    "queries/page_of_class": ({"label": "External"}, {"created": _STARTED, "object_id": "a", "limit": 10}),
    "queries/page_of_class_named": (
        {"label": "External"},
        {"created": _STARTED, "object_id": "a", "limit": 10, "name": "bright"},
    ),
    "queries/segments_made": ({}, {}),
    "queries/segment_files": ({}, {}),
    "queries/segments_holding": ({}, {"origins": ["o:1"]}),
    "queries/source_sets_stored": ({}, {"atoms": ["s:1"]}),
    "queries/segments_of_source_sets": ({}, {"keys": ["s:1"]}),
    "queries/source_lists_numbered": ({}, {"number": 1}),
    "queries/steps_connect": (
        {"relation": "PARENT"},
        {"plan": "p", "rows": [{"step": "a", "dependency": "b", "index": 0}]},
    ),
    "queries/steps_create": ({}, {"plan": "p", "rows": [_STEP]}),
    "queries/steps_dependencies": ({}, {"plan": "p", "rounds": [""]}),
    "queries/origins_in_criteria": ({}, {}),
    "queries/models_used": ({}, {}),
    "queries/ids_of_class": ({"label": "Entity"}, {}),
    "queries/segments_without_place": ({}, {"limit": 10}),
    "queries/place_segments": ({}, {"rows": [{"id": "a", "atoms": ["s:1"], "within": "s:1"}]}),
    "queries/sets_connect": ({"relation": "SUBSET_OF"}, {"plan": "p", "edges": [{"a": "a", "b": "b", "rule": "R1"}]}),
    "queries/sets_create": ({}, {"plan": "p", "rows": [_SET]}),
    "queries/sets_empty": ({}, {"plan": "p"}),
    "queries/sets_related": ({"relations": "SUBSET_OF"}, {"plan": "p"}),
    "queries/source_set_marks": ({}, {"space": "s"}),
    "queries/source_sets_counted": ({}, {"space": "s", "n": 3}),
    "queries/source_sets_in_space": ({}, {"space": "s"}),
    "queries/source_sets_beyond": ({}, {"n": 2}),
    "queries/steps_drop": ({}, {"plan": "p", "ids": ["a"]}),
    "queries/steps_forget": ({}, {"plan": "p"}),
    "queries/steps_made": ({}, {"plan": "p", "rounds": [""]}),
    "queries/steps_made_by": ({}, {"plan": "p", "round": "r", "pairs": [_PAIR]}),
    "queries/steps_redirect": ({}, {"plan": "p", "pairs": [_PAIR], "dropped": ["a"]}),
    "queries/versions_of": ({}, {"identities": ["i"]}),
    "schema/await_indexes": ({}, {}),
    "schema/constraints_neo4j": ({}, {}),
    "schema/create_survey": ({}, {"survey_id": "s", "schema_version": 1, "created": _STARTED}),
    "schema/indexes_embedded": ({}, {}),
    "schema/migrated": ({}, {"schema_version": 1}),
    "schema/size": ({}, {}),
    "schema/survey": ({}, {}),
    "schema/twins": ({}, {}),
    "shared/commit": ({}, {"client": "c", "token": "t", "at": _STARTED}),
    "shared/committed": ({}, {"client": "c", "token": "t"}),
    "shared/forget": ({}, {"client": "c"}),
    "shared/forget_old": ({}, {"before": _STARTED}),
}

# What rules ask of the plan; another question that nothing here gives a shape has the commonest one.
_SOURCE = [{"step": "a", "source": "b"}]
_ASKED: dict[str, Any] = {
    "droppable": [{"step": "a", "index": 0}],
    "twins": [_PAIR],
    "together": [{"step": "a", "parent": "b"}],
    "cheaper": [{"step": "a", "source": "b", "by": ["c"]}],
    "superfluous": [{"step": "a", "index": 0}],
    "unlimited": [{"step": "a", "index": 0}],
    **{
        q: [{"step": "a"}]
        for q in (
            "kept_whole",
            "unary",
            "unary_sources",
            "repeated",
            "repeated_sources",
            "listed",
            "identical",
            "renamed_alike",
            "results_unread",
            "inputs_among_others",
        )
    },
    "empties": [{"step": "a", "atoms": ["s:1"]}],
    **{
        q: [{"step": "a", "name": "stored b", "atoms": ["s:1"]}]
        for q in ("stored_whole", "confined", "calculated", "calculated_partly")
    },
}


def _of_rule(name: str) -> dict[str, Any]:
    header = load(name).header
    questions = [header[key] for key in ("asks", "heeds") if key in header]
    return {"plan": "p", "round": "r", **{q: _ASKED.get(q, _SOURCE) for line in questions for q in line.split()}}


FOR_STATEMENTS |= {
    name: ({}, {"plan": "p", "round": 1, "since": 0}) for name in all_statements() if name.startswith("relations/")
}
FOR_STATEMENTS |= {name: ({}, _of_rule(name)) for name in all_statements() if name.startswith("rewrite/")}
