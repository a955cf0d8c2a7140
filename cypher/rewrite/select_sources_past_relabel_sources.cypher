// name:      select_sources_past_relabel_sources
// operators: SelectSources(RelabelSources)
// replaces:  a SelectSources of a RelabelSources, by a RelabelSources of a SelectSources of the translated sources
// needs:     that the relabelling makes no two sources one; a list becomes sources of a step before
// keeps:     sources, attributes, values
// paper:     Section 7.4: in the other identifiers
MATCH (select:Step {plan: $plan, operator: 'SelectSources'})-[:PARENT]->(relabel:Step {operator: 'RelabelSources'})-[:PARENT]->(origin:Step)
WHERE coalesce(relabel.injective, false) AND coalesce(select.source_list, '') = ''
CREATE (moved:Step {plan: $plan, round: $round, id: select.id + $round + '.0', operator: 'SelectSources', names: origin.names, origins: origin.origins})
CREATE (moved)-[:PARENT {index: 0}]->(origin)
CREATE (limited:Step {
    plan: $plan, round: $round, id: select.id + $round, operator: 'RelabelSources', names: select.names, origins: select.origins,
    relabelling: relabel.relabelling, injective: true
})
CREATE (limited)-[:PARENT {index: 0}]->(moved)
WITH select, moved, limited, CASE WHEN relabel.relabelling STARTS WITH '~' THEN substring(relabel.relabelling, 1) ELSE '~' + relabel.relabelling END AS back
OPTIONAL MATCH (select)-[edge:SOURCES|EXCEPT]->(source:Step)
FOREACH (_ IN CASE WHEN type(edge) = 'SOURCES' THEN [1] ELSE [] END |
    CREATE (moved)-[:SOURCES]->(:Step {
        plan: $plan, round: $round, id: moved.id + '.t.' + source.id, operator: 'RelabelSources', names: [], origins: [], relabelling: back, injective: true
    })-[:PARENT {index: 0}]->(:Step {
        plan: $plan, round: $round, id: moved.id + '.s.' + source.id, operator: 'SelectAttributes', names: [], origins: []
    })-[:PARENT {index: 0}]->(source))
FOREACH (_ IN CASE WHEN type(edge) = 'EXCEPT' THEN [1] ELSE [] END |
    CREATE (moved)-[:EXCEPT]->(:Step {
        plan: $plan, round: $round, id: moved.id + '.f.' + source.id, operator: 'RelabelSources', names: [], origins: [], relabelling: back, injective: true
    })-[:PARENT {index: 0}]->(:Step {
        plan: $plan, round: $round, id: moved.id + '.e.' + source.id, operator: 'SelectAttributes', names: [], origins: []
    })-[:PARENT {index: 0}]->(source))
RETURN DISTINCT select.id AS replaced, limited.id AS replacement
