// name:      list_to_select_sources
// operators: SelectSources
// asks:      listed
// replaces:  a SelectSources with a list, by one of the sources of a SelectSources that has the list and no attributes
// needs:     that it has attributes; a list without is what the rule makes
// keeps:     sources, attributes, values
// paper:     Section 7.4
UNWIND $listed AS one
MATCH (listed:Step {plan: $plan, id: one.step})-[:PARENT]->(parent:Step)
CREATE (bare:Step {plan: $plan, round: $round, id: listed.id + $round + '.0', operator: 'SelectAttributes', names: [], origins: []})
CREATE (bare)-[:PARENT {index: 0}]->(parent)
CREATE (chosen:Step {plan: $plan, round: $round, id: listed.id + $round + '.1', operator: 'SelectSources', names: [], origins: [], source_list: listed.source_list})
CREATE (chosen)-[:PARENT {index: 0}]->(bare)
CREATE (select:Step {plan: $plan, round: $round, id: listed.id + $round, operator: 'SelectSources', names: listed.names, origins: listed.origins})
CREATE (select)-[:PARENT {index: 0}]->(parent)
CREATE (select)-[:SOURCES]->(chosen)
WITH listed, select
OPTIONAL MATCH (listed)-[edge:SOURCES|EXCEPT]->(source:Step)
FOREACH (_ IN CASE WHEN type(edge) = 'SOURCES' THEN [1] ELSE [] END | MERGE (select)-[:SOURCES]->(source))
FOREACH (_ IN CASE WHEN type(edge) = 'EXCEPT' THEN [1] ELSE [] END | MERGE (select)-[:EXCEPT]->(source))
RETURN DISTINCT listed.id AS replaced, select.id AS replacement
