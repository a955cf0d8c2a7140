// name:      drop_implied_sources
// operators: SelectSources
// asks:      implied
// replaces:  a SelectSources, by one without the sources that keep everything that its parent and the others leave
// needs:     proof of that; what remains needs no more calculations than what is dropped
// keeps:     sources, attributes, values
// paper:     Section 7.3
UNWIND $implied AS pair
WITH pair.step AS id, collect(pair.source) AS dropped
MATCH (select:Step {plan: $plan, id: id})-[:PARENT]->(origin:Step)
WHERE coalesce(select.source_list, '') <> '' OR EXISTS { MATCH (select)-[:EXCEPT]->(:Step) }
   OR EXISTS { MATCH (select)-[:SOURCES]->(source:Step) WHERE NOT source.id IN dropped }
CREATE (fewer:Step {plan: $plan, round: $round, id: select.id + $round, operator: 'SelectSources', names: select.names, origins: select.origins, source_list: select.source_list})
CREATE (fewer)-[:PARENT {index: 0}]->(origin)
WITH select, fewer, dropped
OPTIONAL MATCH (select)-[edge:SOURCES|EXCEPT]->(source:Step)
WHERE type(edge) = 'EXCEPT' OR NOT source.id IN dropped
FOREACH (_ IN CASE WHEN type(edge) = 'SOURCES' THEN [1] ELSE [] END | MERGE (fewer)-[:SOURCES]->(source))
FOREACH (_ IN CASE WHEN type(edge) = 'EXCEPT' THEN [1] ELSE [] END | MERGE (fewer)-[:EXCEPT]->(source))
RETURN DISTINCT select.id AS replaced, fewer.id AS replacement
