// name:      select_sources_past_pass
// operators: SelectSources(Pass)
// replaces:  a SelectSources of a Pass, by a Pass of the SelectSources
// needs:     these two steps; origin is only what the replacement hangs from
// keeps:     sources, attributes, values
// paper:     Section 7.4, Fig. 3c
MATCH (select:Step {plan: $plan, operator: 'SelectSources'})-[:PARENT]->(upper:Step {operator: 'Pass'})-[:PARENT]->(origin:Step)
CREATE (moved:Step {plan: $plan, round: $round, id: select.id + $round + '.0', operator: 'SelectSources', names: origin.names, origins: origin.origins, source_list: select.source_list})
CREATE (moved)-[:PARENT {index: 0}]->(origin)
CREATE (limited:Step {
    plan: $plan, round: $round, id: select.id + $round, operator: 'Pass', names: select.names, origins: select.origins
})
CREATE (limited)-[:PARENT {index: 0}]->(moved)
WITH select, limited, moved
OPTIONAL MATCH (select)-[edge:SOURCES|EXCEPT]->(source:Step)
FOREACH (_ IN CASE WHEN type(edge) = 'SOURCES' THEN [1] ELSE [] END | MERGE (moved)-[:SOURCES]->(source))
FOREACH (_ IN CASE WHEN type(edge) = 'EXCEPT' THEN [1] ELSE [] END | MERGE (moved)-[:EXCEPT]->(source))
RETURN DISTINCT select.id AS replaced, limited.id AS replacement
