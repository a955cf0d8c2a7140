// name:      list_to_select_sources
// operators: SelectSources
// replaces:  a SelectSources with a list, by one of the sources of a SelectSources that has the list and no attributes
// needs:     that it has attributes; a list without is what the rule makes
// keeps:     sources, attributes, values
// paper:     Section 7.4
MATCH (listed:Step {plan: $plan, operator: 'SelectSources'})-[:PARENT]->(parent:Step)
WHERE coalesce(listed.source_list, '') <> '' AND size(listed.names) > 0
CREATE (bare:Step {plan: $plan, round: $round, id: listed.id + $round + '.0', operator: 'SelectAttributes', names: [], origins: []})
CREATE (bare)-[:PARENT {index: 0}]->(parent)
CREATE (chosen:Step {plan: $plan, round: $round, id: listed.id + $round + '.1', operator: 'SelectSources', names: [], origins: [], source_list: listed.source_list})
CREATE (chosen)-[:PARENT {index: 0}]->(bare)
CREATE (select:Step {plan: $plan, round: $round, id: listed.id + $round, operator: 'SelectSources', names: listed.names, origins: listed.origins, of: listed.id})
CREATE (select)-[:PARENT {index: 0}]->(parent)
CREATE (select)-[:SOURCES]->(chosen)
RETURN listed.id AS replaced, select.id AS replacement;

MATCH (moved:Step {plan: $plan, round: $round})
MATCH (old:Step {plan: $plan, id: moved.of})-[:SOURCES]->(source:Step)
MERGE (moved)-[:SOURCES]->(source);

MATCH (moved:Step {plan: $plan, round: $round})
MATCH (old:Step {plan: $plan, id: moved.of})-[:EXCEPT]->(source:Step)
MERGE (moved)-[:EXCEPT]->(source)
