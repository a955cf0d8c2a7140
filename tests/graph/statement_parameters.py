"""For each statement, slots and parameters with which the contract suite runs it on every engine."""

from __future__ import annotations

from typing import Any

from provgraph.graph.statements import all_statements, load

# Labels and property keys that the slots below use and no module declares when it is imported.
DECLARED = (
    "a_name",
    "n",
    "INTEGER",
    "Entity",
    "DBObject",
    "SourceCollection",
    "External",
    "object_id",
    "agent_id",
    "name",
    "Thing",
    "ProvEntity",
    "ProvUsage",
    "ARG_ACTIVITY",
    "ARG_ENTITY",
    "ARG_USAGE",
)

_NODE = {"object_id": "a", "properties": {"object_id": "a", "lineage_key": "k:a"}}
_EDGE = {"source": "a", "target": "b", "role": "parent", "index": 0, "properties": {"role": "parent", "index": 0}}
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
_ROW = {
    "statement_id": "d.0.0", "scope": "d.0", "position": 0, "kind": "used", "one": "d.0.t0", "other": "d.0.t1", "spellings": [],
}  # fmt: skip
_PAIR_OF_IDS = {"source": "d.0.0", "target": "d.0.t0"}
_STARTED = "2026-11-21T07:41:00.123456Z"

FOR_STATEMENTS: dict[str, tuple[dict[str, str | int], dict[str, Any]]] = {
    # name: (slots, parameters)
    "load/begin": ({}, {"import_id": "i", "started": _STARTED}),
    "load/edge_type": ({"relation": "USED"}, {}),
    "load/edges": ({"relation": "USED", **_ENDS}, {"rows": [_EDGE]}),
    "load/end": ({}, {"import_id": "i"}),
    "load/hold": ({}, {"import_id": "i"}),
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
    "queries/activity_known": ({}, {"id": "a"}),
    "queries/activities_known": ({}, {"ids": ["a"]}),
    "queries/classes_recorded": ({}, {}),
    "queries/bury": ({}, {"ids": ["a"]}),
    "queries/calls_inside": ({}, {"ids": ["a"]}),
    "queries/calls_of": ({}, {"id": "a"}),
    "queries/dependents_of": ({}, {"ids": ["a"]}),
    "queries/made_by_code": ({"depth": 50}, {"id": "a"}),
    "queries/made_by_recipe": ({"depth": 50}, {"id": "a"}),
    "queries/made_with": ({}, {"ids": ["a"]}),
    "queries/cone": ({"depth": 100}, {"id": "a"}),
    "queries/create_edges": ({"relation": "WAS_DERIVED_FROM", **_ENDS}, {"rows": [_EDGE]}),
    "queries/create_edges_in_place": ({"relation": "WAS_DERIVED_FROM", **_ENDS}, {"rows": [_EDGE]}),
    "queries/create_edges_in_role": ({"relation": "USED", **_ENDS}, {"rows": [_EDGE]}),
    "queries/create_entities": ({"labels": "Entity:DBObject"}, {"rows": [_NODE], "agent": "p"}),
    "queries/create_entities_with_links": (
        {"labels": "Entity:DBObject"},
        {"rows": [{**_NODE, "links": [{"target": "b", "role": "parent", "index": 0}]}], "agent": "p"},
    ),
    "queries/create_nodes": ({"label": "Activity"}, {"rows": [{"properties": {"activity_id": "x"}}]}),
    "queries/definitions_providing": ({}, {"names": ["absmag_i"]}),
    "queries/entities_by_id": ({}, {"ids": ["a"]}),
    "queries/entities_by_lineage_key": ({}, {"keys": ["k:a"], "project": "default"}),
    "queries/entities_by_name": ({}, {"name": "bright"}),
    "queries/ids_named": ({}, {"names": ["bright"]}),
    "queries/entities_of_class": ({"label": "External"}, {"before": _STARTED, "deleted": False, "limit": 10}),
    "queries/claim_file_names": ({}, {"rows": [{"name": "a.fits", "digest": "sha256:00"}]}),
    "queries/claim_source_list": ({}, {"least": 1}),
    "queries/plans_among": ({}, {"ids": ["a"]}),
    "queries/objects_with_file": ({}, {"digest": "sha256:00"}),
    "queries/stored_digests": ({}, {}),
    "queries/files_by_digest": ({}, {"digest": "sha256:00"}),
    "queries/files_written_from": ({}, {"id": "a"}),
    "queries/calls_that_made": ({}, {"ids": ["a"]}),
    "queries/impact_facts": ({}, {"ids": ["a"]}),
    "queries/lineage_activities": ({"calls": 8}, {"ids": ["x"], "agents": ["p"]}),
    "queries/lineage_down": ({}, {"ids": ["a"], "depth": 3, "limit": 10}),
    "queries/lineage_entities": ({}, {"ids": ["a"], "down": ["a"]}),
    "queries/lineage_segments": ({}, {"ids": ["a"]}),
    "queries/lineage_up": ({}, {"ids": ["a"], "depth": 3, "limit": 10}),
    "queries/walk_down": ({}, {"entities": ["a"], "activities": ["x"], "agents": ["p"]}),
    "queries/compared_causes": ({}, {"entities": ["a"], "activities": ["b"], "collections": ["a"]}),
    "queries/compared_nodes": ({}, {"entities": ["a"], "activities": ["b"]}),
    "queries/walk_nodes": ({}, {"entities": ["a"], "activities": ["x"], "agents": ["p"]}),
    "queries/walk_up": ({}, {"entities": ["a"], "activities": ["x"], "agents": ["p"]}),
    "queries/agents_by_id": ({}, {"ids": ["p"]}),
    "queries/labels_by_id": ({}, {"ids": ["a"]}),
    "queries/links_of": ({}, {"ids": ["a"]}),
    "queries/links_to": ({}, {"ids": ["a"]}),
    "queries/cone_notes": ({"depth": 100}, {"id": "a"}),
    "queries/cone_revised": ({"depth": 100}, {"id": "a"}),
    "queries/objects_by_id": ({}, {"ids": ["a"]}),
    "queries/merge_nodes": ({"label": "Agent", "key": "agent_id"}, {"rows": [{"key": "p", "properties": {}}]}),
    "queries/names_given": ({}, {"limit": 10}),
    "queries/identifiers_given": ({}, {}),
    "queries/constructions_of": ({}, {"ids": ["a"]}),
    "queries/notes_recorded": ({}, {"ids": ["a"]}),
    "queries/sources_counted": ({}, {"keys": ["S:1"]}),
    "queries/notes_about": ({}, {"ids": ["a"]}),
    "queries/page_of_class": ({"label": "External"}, {"created": _STARTED, "object_id": "a", "limit": 10}),
    "queries/page_of_class_named": (
        {"label": "External"},
        {"created": _STARTED, "object_id": "a", "limit": 10, "name": "bright"},
    ),
    "queries/recorded_edges": ({"label": "Entity", "key": "object_id"}, {"ids": ["a"]}),
    "queries/recorded_ids": ({"label": "Entity", "key": "object_id"}, {}),
    "queries/recorded_nodes": ({"label": "Entity", "key": "object_id"}, {"ids": ["a"]}),
    "queries/segments_made": ({}, {}),
    "queries/segment_files": ({}, {}),
    "queries/segments_holding": ({}, {"origins": ["o:1"]}),
    "queries/source_sets_stored": ({}, {"atoms": ["s:1"]}),
    "queries/segments_of_source_sets": ({}, {"keys": ["s:1"]}),
    "queries/source_lists_known": ({"label": "External"}, {}),
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
    "queries/usage_made": ({"label": "External"}, {}),
    "queries/usage_derived": ({"label": "External"}, {}),
    "queries/usage_files": ({"label": "External"}, {}),
    "queries/files_dropped": ({}, {}),
    "queries/runs_of_code": ({}, {"names": ["Flat.make"], "last": 20}),
    "queries/sizes_around": ({}, {"ids": ["a"]}),
    "queries/files_owned": ({}, {}),
    "queries/owners_of_files": ({}, {"digests": ["sha256:00"]}),
    "prov/any_document": ({}, {}),
    "prov/bundles": ({}, {"document": "d"}),
    "prov/causes": ({}, {"ids": ["d.0.t0"]}),
    "prov/effects": ({}, {"ids": ["d.0.t0"]}),
    "prov/create_arguments": ({"role": "ARG_ENTITY"}, {"rows": [_PAIR_OF_IDS]}),
    "prov/create_document": ({}, {"id": "d", "properties": {"digest": "sha256:00"}, "bundles": [{"scope_id": "d.1"}]}),
    "prov/create_references": ({"role": "ARG_USAGE"}, {"rows": [_PAIR_OF_IDS]}),
    "prov/create_relations": ({"relation": "USED"}, {"rows": [{**_PAIR_OF_IDS, "statement": "d.0.0"}]}),
    "prov/create_statements": ({"label": "ProvUsage"}, {"rows": [_ROW]}),
    "prov/create_statements_of_one": ({"label": "ProvUsage", "role": "ARG_ENTITY"}, {"rows": [_ROW]}),
    "prov/create_statements_of_two": (
        {"label": "ProvUsage", "role": "ARG_ACTIVITY", "other": "ARG_ENTITY", "relation": "USED"},
        {"rows": [_ROW]},
    ),
    "prov/create_things": (
        {"labels": "Thing:ProvEntity"},
        {"rows": [{"thing_id": "d.0.t0", "scope": "d.0", "iri": "urn:a", "qname": "", "name_key": "urn:a"}]},
    ),
    "prov/documents": ({}, {}),
    "prov/documents_by_digest": ({}, {"digest": "sha256:00"}),
    "prov/documents_by_id": ({}, {"ids": ["d"]}),
    "prov/statements_about": ({}, {"ids": ["d.0.t0"]}),
    "prov/statements_by_id": ({}, {"ids": ["d.0.0"]}),
    "prov/things_named": ({}, {"key": "urn:a", "iri": "urn:a"}),
    "prov/things_of_statements": ({}, {"ids": ["d.0.0"]}),
    "schema/indexes_prov": ({}, {}),
    "schema/documents_embedded": ({}, {}),
    "schema/documents_neo4j": ({}, {}),
    "schema/await_indexes": ({}, {}),
    "schema/constraints_neo4j": ({}, {}),
    "schema/create_survey": ({}, {"survey_id": "s", "schema_version": 1, "created": _STARTED}),
    "schema/indexes_embedded": ({}, {}),
    "schema/property_index": ({"index": "a_name", "label": "External", "key": "n"}, {}),
    "schema/property_index_drop": ({"index": "a_name"}, {}),
    "schema/property_type": ({"constraint": "a_name", "label": "External", "key": "n", "type": "INTEGER"}, {}),
    "schema/property_type_drop": ({"constraint": "a_name"}, {}),
    "schema/property_types": ({}, {}),
    "schema/log_begun": ({}, {}),
    "schema/mark_log_begun": ({}, {"at": _STARTED}),
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
