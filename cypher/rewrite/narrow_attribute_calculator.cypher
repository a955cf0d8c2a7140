// name:      narrow_attribute_calculator
// operators: AttributeCalculator
// asks:      inputs_among_others
// replaces:  an AttributeCalculator whose parent has more than it reads, by one over a SelectAttributes of its inputs
// needs:     these two steps
// keeps:     sources, attributes, values
// paper:     Section 7.3
UNWIND $inputs_among_others AS one
MATCH (calculator:Step {plan: $plan, id: one.step})-[:PARENT]->(parent:Step)
WITH calculator, parent, [i IN range(0, size(parent.names) - 1) WHERE parent.origins[i] IN calculator.inputs] AS kept
CREATE (narrow:Step {
    plan: $plan, round: $round, id: calculator.id + $round + '.0', operator: 'SelectAttributes',
    names: [i IN kept | parent.names[i]], origins: [i IN kept | parent.origins[i]]
})
CREATE (narrow)-[:PARENT {index: 0}]->(parent)
CREATE (same:Step {
    plan: $plan, round: $round, id: calculator.id + $round, operator: 'AttributeCalculator', names: calculator.names, origins: calculator.origins,
    definition: calculator.definition, inputs: calculator.inputs, parameters: calculator.parameters, whole_catalog: calculator.whole_catalog
})
CREATE (same)-[:PARENT {index: 0}]->(narrow)
RETURN calculator.id AS replaced, same.id AS replacement
