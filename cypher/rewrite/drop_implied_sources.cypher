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
CREATE (fewer:Step {plan: $plan, round: $round, id: select.id + $round, operator: 'SelectSources', names: select.names, origins: select.origins, source_list: select.source_list, of: select.id})
CREATE (fewer)-[:PARENT {index: 0}]->(origin)
RETURN select.id AS replaced, fewer.id AS replacement;

MATCH (fewer:Step {plan: $plan, round: $round})
MATCH (old:Step {plan: $plan, id: fewer.of})-[:SOURCES]->(source:Step)
WHERE NOT any(pair IN $implied WHERE pair.step = fewer.of AND pair.source = source.id)
MERGE (fewer)-[:SOURCES]->(source);

MATCH (fewer:Step {plan: $plan, round: $round})
MATCH (old:Step {plan: $plan, id: fewer.of})-[:EXCEPT]->(source:Step)
MERGE (fewer)-[:EXCEPT]->(source)
