// name:      limit_calculated_sources
// operators: SelectSources
// asks:      cheaper
// replaces:  a SelectSources of which some sources have to be calculated, by one where the other sources limit these
// needs:     which sources need a calculation, and by which of the others they are not limited yet
// keeps:     sources, attributes, values
// paper:     Section 7.4
UNWIND $cheaper AS one
WITH one.step AS id, collect(one.source) AS calculated
MATCH (select:Step {plan: $plan, id: id})-[:PARENT]->(origin:Step)
CREATE (limited:Step {plan: $plan, round: $round, id: select.id + $round, operator: 'SelectSources', names: select.names, origins: select.origins, source_list: select.source_list, of: select.id})
CREATE (limited)-[:PARENT {index: 0}]->(origin)
WITH select, limited, calculated
MATCH (select)-[:SOURCES]->(source:Step)
WHERE NOT source.id IN calculated
MERGE (limited)-[:SOURCES]->(source)
RETURN DISTINCT select.id AS replaced, limited.id AS replacement;

UNWIND $cheaper AS one
MATCH (limited:Step {plan: $plan, id: one.step + $round})
MATCH (source:Step {plan: $plan, id: one.source})
CREATE (fewer:Step {plan: $plan, round: $round, id: one.step + $round + '.' + source.id, operator: 'SelectSources', names: source.names, origins: source.origins, by: one.by})
CREATE (fewer)-[:PARENT {index: 0}]->(source)
CREATE (limited)-[:SOURCES]->(fewer);

MATCH (fewer:Step {plan: $plan, round: $round})
UNWIND fewer.by AS id
MATCH (limit:Step {plan: $plan, id: id})
MERGE (fewer)-[:SOURCES]->(limit);

MATCH (limited:Step {plan: $plan, round: $round})
MATCH (old:Step {plan: $plan, id: limited.of})-[:EXCEPT]->(source:Step)
MERGE (limited)-[:EXCEPT]->(source)
