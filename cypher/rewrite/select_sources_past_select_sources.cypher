// name:      select_sources_past_select_sources
// operators: SelectSources(SelectSources)
// replaces:  a SelectSources with a list whose parent is one without, by these two in the other order
// needs:     that the list says everything about the lower one
// keeps:     sources, attributes, values
// paper:     Section 7.4
MATCH (listed:Step {plan: $plan, operator: 'SelectSources'})-[:PARENT]->(select:Step {operator: 'SelectSources'})-[:PARENT]->(origin:Step)
WHERE coalesce(listed.source_list, '') <> '' AND coalesce(select.source_list, '') = ''
  AND NOT EXISTS { MATCH (listed)-[:SOURCES|EXCEPT]->(:Step) }
CREATE (lifted:Step {plan: $plan, round: $round, id: listed.id + $round + '.0', operator: 'SelectSources', names: listed.names, origins: listed.origins, source_list: listed.source_list})
CREATE (lifted)-[:PARENT {index: 0}]->(origin)
CREATE (moved:Step {plan: $plan, round: $round, id: listed.id + $round, operator: 'SelectSources', names: listed.names, origins: listed.origins})
CREATE (moved)-[:PARENT {index: 0}]->(lifted)
WITH listed, moved, select
OPTIONAL MATCH (select)-[edge:SOURCES|EXCEPT]->(source:Step)
FOREACH (_ IN CASE WHEN type(edge) = 'SOURCES' THEN [1] ELSE [] END | MERGE (moved)-[:SOURCES]->(source))
FOREACH (_ IN CASE WHEN type(edge) = 'EXCEPT' THEN [1] ELSE [] END | MERGE (moved)-[:EXCEPT]->(source))
RETURN DISTINCT listed.id AS replaced, moved.id AS replacement
