// name:      calculate_what_is_missing
// operators: AttributeCalculator
// asks:      calculated_partly
// replaces:  an AttributeCalculator whose results are stored for some of its sources, by a ConcatenateSources of these and of itself for the others
// needs:     proof that what is stored is a part; that the calculation is for each source by itself
// keeps:     sources, attributes, values
// paper:     Section 8: what was calculated once
UNWIND $calculated_partly AS one
MATCH (calculator:Step {plan: $plan, id: one.step})-[:PARENT]->(parent:Step)
CREATE (leaf:Step {
    plan: $plan, round: $round, id: calculator.id + $round + '.0', operator: 'External', names: calculator.names, origins: calculator.origins,
    stored: calculator.origins, atoms: one.atoms, lineage_key: one.name
})
CREATE (others:Step {plan: $plan, round: $round, id: calculator.id + $round + '.1', operator: 'SelectSources', names: parent.names, origins: parent.origins})
CREATE (others)-[:PARENT {index: 0}]->(parent)
CREATE (others)-[:EXCEPT]->(leaf)
CREATE (rest:Step {
    plan: $plan, round: $round, id: calculator.id + $round + '.2', operator: 'AttributeCalculator', names: calculator.names, origins: calculator.origins,
    definition: calculator.definition, inputs: calculator.inputs, parameters: calculator.parameters, whole_catalog: false
})
CREATE (rest)-[:PARENT {index: 0}]->(others)
CREATE (both:Step {plan: $plan, round: $round, id: calculator.id + $round, operator: 'ConcatenateSources', names: calculator.names, origins: calculator.origins})
CREATE (both)-[:PARENT {index: 0}]->(leaf)
CREATE (both)-[:PARENT {index: 1}]->(rest)
RETURN calculator.id AS replaced, both.id AS replacement
