// name:      attribute_calculator_to_stored
// operators: AttributeCalculator
// asks:      calculated
// replaces:  an AttributeCalculator whose results are stored for more sources, by a SelectSources of these results
// needs:     proof that they are stored for all that are wanted
// keeps:     sources, attributes, values
// paper:     Section 8: what was calculated once
UNWIND $calculated AS one
MATCH (calculator:Step {plan: $plan, id: one.step})-[:PARENT]->(parent:Step)
CREATE (leaf:Step {
    plan: $plan, round: $round, id: calculator.id + $round + '.0', operator: 'External', names: calculator.names, origins: calculator.origins,
    stored: calculator.origins, atoms: one.atoms, lineage_key: one.name
})
CREATE (wanted:Step {plan: $plan, round: $round, id: calculator.id + $round + '.1', operator: 'SelectAttributes', names: [], origins: []})
CREATE (wanted)-[:PARENT {index: 0}]->(parent)
CREATE (read:Step {plan: $plan, round: $round, id: calculator.id + $round, operator: 'SelectSources', names: calculator.names, origins: calculator.origins})
CREATE (read)-[:PARENT {index: 0}]->(leaf)
CREATE (read)-[:SOURCES]->(wanted)
RETURN calculator.id AS replaced, read.id AS replacement
