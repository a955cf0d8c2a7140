// name:      narrow_select_sources
// operators: SelectAttributes(SelectSources), AttributeCalculator(SelectSources)
// replaces:  a SelectSources, by one over a SelectAttributes of only what all its dependents together read
// needs:     the dependents: all select attributes or read known inputs
// keeps:     sources, values
// paper:     Section 7.3
MATCH (select:Step {plan: $plan, operator: 'SelectSources'})<-[:PARENT]-(reader:Step)
WITH select, collect(reader.operator) AS operators, collect(CASE WHEN reader.operator = 'AttributeCalculator' THEN reader.inputs ELSE reader.origins END) AS read
WHERE all(operator IN operators WHERE operator IN ['SelectAttributes', 'AttributeCalculator'])
WITH select, [i IN range(0, size(select.names) - 1) WHERE any(origins IN read WHERE select.origins[i] IN origins)] AS kept
WHERE size(kept) < size(select.names)
MATCH (select)-[:PARENT]->(origin:Step)
CREATE (narrow:Step {
    plan: $plan, round: $round, id: select.id + $round + '.0', operator: 'SelectAttributes',
    names: [i IN kept | select.names[i]], origins: [i IN kept | select.origins[i]]
})
CREATE (narrow)-[:PARENT {index: 0}]->(origin)
CREATE (fewer:Step {plan: $plan, round: $round, id: select.id + $round, operator: 'SelectSources', names: narrow.names, origins: narrow.origins, source_list: select.source_list})
CREATE (fewer)-[:PARENT {index: 0}]->(narrow)
WITH select, fewer
OPTIONAL MATCH (select)-[edge:SOURCES|EXCEPT]->(source:Step)
FOREACH (_ IN CASE WHEN type(edge) = 'SOURCES' THEN [1] ELSE [] END | MERGE (fewer)-[:SOURCES]->(source))
FOREACH (_ IN CASE WHEN type(edge) = 'EXCEPT' THEN [1] ELSE [] END | MERGE (fewer)-[:EXCEPT]->(source))
RETURN DISTINCT select.id AS replaced, fewer.id AS replacement
