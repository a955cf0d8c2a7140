// name:      criterion_attributes_dropped
// operators: SelectAttributes(FilterSources)
// replaces:  a SelectAttributes of a FilterSources, by the FilterSources of a SelectAttributes
// needs:     that what the criterion reads is kept, which it does not heed
// keeps:     sources, attributes, values
// paper:     M9 without its side condition
MATCH (select:Step {plan: $plan, operator: 'SelectAttributes'})-[:PARENT]->(filter:Step {operator: 'FilterSources'})-[:PARENT]->(origin:Step)
CREATE (narrow:Step {plan: $plan, round: $round, id: select.id + $round + '.0', operator: 'SelectAttributes', names: select.names, origins: select.origins})
CREATE (narrow)-[:PARENT {index: 0}]->(origin)
CREATE (filtered:Step {
    plan: $plan, round: $round, id: select.id + $round, operator: 'FilterSources', names: select.names, origins: select.origins,
    criterion: filter.criterion, inputs: filter.inputs
})
CREATE (filtered)-[:PARENT {index: 0}]->(narrow)
RETURN select.id AS replaced, filtered.id AS replacement
