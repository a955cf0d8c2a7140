// name:      filter_sources_past_attribute_calculator
// operators: FilterSources(ConcatenateAttributes)
// replaces:  a FilterSources of a parent joined with a calculation on it, by the filtered parent joined with the calculation on that
// needs:     that the criterion reads the parent only; that the calculation is for each source by itself and for nothing else
// keeps:     sources, attributes, values
// paper:     Section 7.4
MATCH (filter:Step {plan: $plan, operator: 'FilterSources'})-[:PARENT]->(join:Step {operator: 'ConcatenateAttributes'})
MATCH (join)-[one:PARENT]->(parent:Step)
MATCH (join)-[other:PARENT]->(calculator:Step {operator: 'AttributeCalculator'})-[:PARENT]->(parent)
WHERE NOT coalesce(calculator.whole_catalog, false) AND all(origin IN filter.inputs WHERE origin IN parent.origins)
  AND NOT EXISTS { MATCH (join)-[third:PARENT]->(:Step) WHERE third.index <> one.index AND third.index <> other.index }
  AND NOT EXISTS { MATCH (join)<-[]-(dependent:Step) WHERE dependent.id <> filter.id }
  AND NOT EXISTS { MATCH (calculator)<-[]-(dependent:Step) WHERE dependent.id <> join.id }
CREATE (filtered:Step {
    plan: $plan, round: $round, id: filter.id + $round + '.0', operator: 'FilterSources', names: parent.names, origins: parent.origins,
    criterion: filter.criterion, inputs: filter.inputs
})
CREATE (filtered)-[:PARENT {index: 0}]->(parent)
CREATE (limited:Step {
    plan: $plan, round: $round, id: filter.id + $round + '.1', operator: 'AttributeCalculator', names: calculator.names, origins: calculator.origins,
    definition: calculator.definition, inputs: calculator.inputs, parameters: calculator.parameters, whole_catalog: false
})
CREATE (limited)-[:PARENT {index: 0}]->(filtered)
CREATE (joined:Step {plan: $plan, round: $round, id: filter.id + $round, operator: 'ConcatenateAttributes', names: filter.names, origins: filter.origins})
CREATE (joined)-[:PARENT {index: one.index}]->(filtered)
CREATE (joined)-[:PARENT {index: other.index}]->(limited)
RETURN DISTINCT filter.id AS replaced, joined.id AS replacement
