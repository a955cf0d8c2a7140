// name:      read_select_sources_directly
// operators: AttributeCalculator(SelectAttributes)
// replaces:  an AttributeCalculator over a SelectAttributes of a SelectSources, by one over the SelectSources
// needs:     nothing more: a calculator reads only its inputs
// keeps:     sources, attributes, values
// paper:     Section 7.2, Fig. 3d
MATCH (calculator:Step {plan: $plan, operator: 'AttributeCalculator'})-[:PARENT]->(:Step {operator: 'SelectAttributes'})-[:PARENT]->(select:Step {operator: 'SelectSources'})
CREATE (direct:Step {
    plan: $plan, round: $round, id: calculator.id + $round, operator: 'AttributeCalculator', names: calculator.names, origins: calculator.origins,
    definition: calculator.definition, inputs: calculator.inputs, parameters: calculator.parameters, whole_catalog: calculator.whole_catalog
})
CREATE (direct)-[:PARENT {index: 0}]->(select)
RETURN calculator.id AS replaced, direct.id AS replacement
