// name:      filter_stored_sources
// operators: FilterSources
// asks:      confined
// replaces:  a FilterSources, by one of only those sources that are in a stored set
// needs:     proof that it keeps no others; that there are far fewer of them
// keeps:     sources, attributes, values
// paper:     Section 8: what was found once
UNWIND $confined AS one
MATCH (filter:Step {plan: $plan, id: one.step})-[:PARENT]->(parent:Step)
CREATE (leaf:Step {
    plan: $plan, round: $round, id: filter.id + $round + '.0', operator: 'External', names: [], origins: [],
    stored: [], atoms: one.atoms, lineage_key: one.name
})
CREATE (among:Step {plan: $plan, round: $round, id: filter.id + $round + '.1', operator: 'SelectSources', names: parent.names, origins: parent.origins})
CREATE (among)-[:PARENT {index: 0}]->(parent)
CREATE (among)-[:SOURCES]->(leaf)
CREATE (filtered:Step {
    plan: $plan, round: $round, id: filter.id + $round, operator: 'FilterSources', names: filter.names, origins: filter.origins,
    criterion: filter.criterion, inputs: filter.inputs
})
CREATE (filtered)-[:PARENT {index: 0}]->(among)
RETURN filter.id AS replaced, filtered.id AS replacement
