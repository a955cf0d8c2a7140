// name:      flatten_select_sources
// operators: SelectSources
// asks:      nested
// replaces:  a SelectSources that keeps the sources of a SelectSources, by one that keeps the sources which that is made of
// needs:     which of them are limited by something that needs more calculations: the limits can be turned round then
// keeps:     sources, attributes, values
// paper:     Section 7.4
UNWIND $nested AS pair
WITH DISTINCT pair.step AS id
MATCH (select:Step {plan: $plan, id: id})-[:PARENT]->(origin:Step)
CREATE (flat:Step {plan: $plan, round: $round, id: select.id + $round, operator: 'SelectSources', names: select.names, origins: select.origins, source_list: select.source_list, of: select.id})
CREATE (flat)-[:PARENT {index: 0}]->(origin)
RETURN select.id AS replaced, flat.id AS replacement;

MATCH (flat:Step {plan: $plan, round: $round})
MATCH (old:Step {plan: $plan, id: flat.of})-[:SOURCES]->(source:Step)
WHERE NOT any(pair IN $nested WHERE pair.step = flat.of AND pair.source = source.id)
MERGE (flat)-[:SOURCES]->(source);

MATCH (flat:Step {plan: $plan, round: $round})
MATCH (old:Step {plan: $plan, id: flat.of})-[:EXCEPT]->(source:Step)
MERGE (flat)-[:EXCEPT]->(source);

UNWIND $nested AS pair
MATCH (flat:Step {plan: $plan, round: $round, of: pair.step})
MATCH (inner:Step {plan: $plan, id: pair.source})-[:PARENT|SOURCES]->(source:Step)
MERGE (flat)-[:SOURCES]->(source);

UNWIND $nested AS pair
MATCH (flat:Step {plan: $plan, round: $round, of: pair.step})
MATCH (inner:Step {plan: $plan, id: pair.source})-[:EXCEPT]->(source:Step)
MERGE (flat)-[:EXCEPT]->(source)
