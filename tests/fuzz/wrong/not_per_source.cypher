// name:      not_per_source
// instead:   select_sources_past_attribute_calculator
// operators: SelectSources(AttributeCalculator)
// heeds:     evaluated
// replaces:  a SelectSources of an AttributeCalculator, by an AttributeCalculator of the SelectSources
// needs:     that the calculation is for each source by itself, which it does not ask for
// keeps:     sources, attributes, values
// paper:     M1 without its side condition
MATCH (select:Step {plan: $plan, operator: 'SelectSources'})-[:PARENT]->(upper:Step {operator: 'AttributeCalculator'})-[:PARENT]->(origin:Step)
WHERE NOT any(pair IN $evaluated WHERE pair.step = select.id)
CREATE (moved:Step {plan: $plan, round: $round, id: select.id + $round + '.0', operator: 'SelectSources', names: origin.names, origins: origin.origins, source_list: select.source_list, of: select.id})
CREATE (moved)-[:PARENT {index: 0}]->(origin)
CREATE (limited:Step {
    plan: $plan, round: $round, id: select.id + $round, operator: 'AttributeCalculator', names: select.names, origins: select.origins,
    definition: upper.definition, inputs: upper.inputs, parameters: upper.parameters, whole_catalog: upper.whole_catalog
})
CREATE (limited)-[:PARENT {index: 0}]->(moved)
RETURN select.id AS replaced, limited.id AS replacement;

MATCH (moved:Step {plan: $plan, round: $round})
MATCH (old:Step {plan: $plan, id: moved.of})-[:SOURCES]->(source:Step)
MERGE (moved)-[:SOURCES]->(source);

MATCH (moved:Step {plan: $plan, round: $round})
MATCH (old:Step {plan: $plan, id: moved.of})-[:EXCEPT]->(source:Step)
MERGE (moved)-[:EXCEPT]->(source)
