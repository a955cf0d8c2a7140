// name:      failures_dropped
// when:      last
// operators: AttributeCalculator
// replaces:  an AttributeCalculator, by a FilterSources of it: without sources for which it has no value
// needs:     nothing; a source is never dropped by a calculator that fails
// keeps:     sources, attributes, values
// paper:     Section 5
MATCH (calculator:Step {plan: $plan, operator: 'AttributeCalculator'})-[:PARENT]->(origin:Step)
CREATE (same:Step {
    plan: $plan, round: $round, id: calculator.id + $round + '.0', operator: 'AttributeCalculator', names: calculator.names,
    origins: calculator.origins, definition: calculator.definition, inputs: calculator.inputs, parameters: calculator.parameters,
    whole_catalog: calculator.whole_catalog
})
CREATE (same)-[:PARENT {index: 0}]->(origin)
CREATE (there:Step {
    plan: $plan, round: $round, id: calculator.id + $round, operator: 'FilterSources', names: calculator.names, origins: calculator.origins,
    criterion: '`' + calculator.origins[0] + '` is not null', inputs: [calculator.origins[0]]
})
CREATE (there)-[:PARENT {index: 0}]->(same)
RETURN calculator.id AS replaced, there.id AS replacement
