// name:      select_sources_past_attribute_calculator
// operators: SelectSources(AttributeCalculator)
// heeds:     evaluated
// replaces:  a SelectSources of an AttributeCalculator, by an AttributeCalculator of the SelectSources
// needs:     that the calculation is for each source by itself, and that it is not needed anyway to find these sources
// keeps:     sources, attributes, values
// paper:     Section 7.4, Fig. 3c
MATCH (select:Step {plan: $plan, operator: 'SelectSources'})-[:PARENT]->(upper:Step {operator: 'AttributeCalculator'})-[:PARENT]->(origin:Step)
WHERE NOT coalesce(upper.whole_catalog, false) AND NOT any(pair IN $evaluated WHERE pair.step = select.id)
CREATE (moved:Step {plan: $plan, round: $round, id: select.id + $round + '.0', operator: 'SelectSources', names: origin.names, origins: origin.origins, source_list: select.source_list})
CREATE (moved)-[:PARENT {index: 0}]->(origin)
CREATE (limited:Step {
    plan: $plan, round: $round, id: select.id + $round, operator: 'AttributeCalculator', names: select.names, origins: select.origins,
    definition: upper.definition, inputs: upper.inputs, parameters: upper.parameters, whole_catalog: false
})
CREATE (limited)-[:PARENT {index: 0}]->(moved)
WITH select, limited, moved
OPTIONAL MATCH (select)-[edge:SOURCES|EXCEPT]->(source:Step)
FOREACH (_ IN CASE WHEN type(edge) = 'SOURCES' THEN [1] ELSE [] END | MERGE (moved)-[:SOURCES]->(source))
FOREACH (_ IN CASE WHEN type(edge) = 'EXCEPT' THEN [1] ELSE [] END | MERGE (moved)-[:EXCEPT]->(source))
RETURN DISTINCT select.id AS replaced, limited.id AS replacement
