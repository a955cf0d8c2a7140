// name:      select_attributes_past_filter_sources
// operators: SelectAttributes(FilterSources)
// replaces:  a SelectAttributes of a FilterSources, by itself over a FilterSources of only what both read
// needs:     what the criterion reads; origin is only what the replacement hangs from
// keeps:     sources, attributes, values
// paper:     Section 7.3
MATCH (select:Step {plan: $plan, operator: 'SelectAttributes'})-[:PARENT]->(filter:Step {operator: 'FilterSources'})-[:PARENT]->(origin:Step)
WITH select, filter, origin,
     [i IN range(0, size(filter.names) - 1) WHERE filter.names[i] IN select.names OR filter.origins[i] IN filter.inputs] AS kept
WHERE size(kept) < size(filter.names)
CREATE (narrow:Step {
    plan: $plan, round: $round, id: select.id + $round + '.0', operator: 'SelectAttributes',
    names: [i IN kept | filter.names[i]], origins: [i IN kept | filter.origins[i]]
})
CREATE (narrow)-[:PARENT {index: 0}]->(origin)
CREATE (filtered:Step {
    plan: $plan, round: $round, id: select.id + $round + '.1', operator: 'FilterSources', names: narrow.names, origins: narrow.origins,
    criterion: filter.criterion, inputs: filter.inputs
})
CREATE (filtered)-[:PARENT {index: 0}]->(narrow)
CREATE (selected:Step {plan: $plan, round: $round, id: select.id + $round, operator: 'SelectAttributes', names: select.names, origins: select.origins})
CREATE (selected)-[:PARENT {index: 0}]->(filtered)
RETURN select.id AS replaced, selected.id AS replacement
