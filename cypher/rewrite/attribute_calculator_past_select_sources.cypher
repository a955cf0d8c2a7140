// name:      attribute_calculator_past_select_sources
// operators: AttributeCalculator(SelectSources)
// replaces:  an AttributeCalculator of a SelectSources, by the SelectSources of an AttributeCalculator
// needs:     that the calculation is for each source by itself
// keeps:     sources, attributes, values
// paper:     Section 7.4, Fig. 3b: a selection moves down when what is below it moves up
MATCH (lower:Step {plan: $plan, operator: 'AttributeCalculator'})-[:PARENT]->(select:Step {operator: 'SelectSources'})-[:PARENT]->(origin:Step)
WHERE NOT coalesce(lower.whole_catalog, false)
CREATE (lifted:Step {
    plan: $plan, round: $round, id: lower.id + $round + '.0', operator: 'AttributeCalculator', names: lower.names, origins: lower.origins,
    definition: lower.definition, inputs: lower.inputs, parameters: lower.parameters, whole_catalog: false
})
CREATE (lifted)-[:PARENT {index: 0}]->(origin)
CREATE (moved:Step {plan: $plan, round: $round, id: lower.id + $round, operator: 'SelectSources', names: lower.names, origins: lower.origins, source_list: select.source_list})
CREATE (moved)-[:PARENT {index: 0}]->(lifted)
WITH lower, moved, select
OPTIONAL MATCH (select)-[edge:SOURCES|EXCEPT]->(source:Step)
FOREACH (_ IN CASE WHEN type(edge) = 'SOURCES' THEN [1] ELSE [] END | MERGE (moved)-[:SOURCES]->(source))
FOREACH (_ IN CASE WHEN type(edge) = 'EXCEPT' THEN [1] ELSE [] END | MERGE (moved)-[:EXCEPT]->(source))
RETURN DISTINCT lower.id AS replaced, moved.id AS replacement
