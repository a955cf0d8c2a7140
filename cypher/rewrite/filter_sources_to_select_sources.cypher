// name:      filter_sources_to_select_sources
// operators: FilterSources
// replaces:  a FilterSources, by a SelectSources of the sources of a FilterSources that has only what the criterion reads
// needs:     whether the filter's attributes are used; a filter that only says which sources is what the rule makes
// keeps:     sources, attributes, values
// paper:     Section 7.4, Fig. 3a
MATCH (filter:Step {plan: $plan, operator: 'FilterSources'})-[:PARENT]->(parent:Step)
WHERE EXISTS { MATCH (filter)<-[:PARENT]-(:Step) } OR NOT EXISTS { MATCH (filter)<-[]-(:Step) }
WITH filter, parent, [i IN range(0, size(parent.names) - 1) WHERE parent.origins[i] IN filter.inputs] AS read
CREATE (narrow:Step {
    plan: $plan, round: $round, id: filter.id + $round + '.0', operator: 'SelectAttributes',
    names: [i IN read | parent.names[i]], origins: [i IN read | parent.origins[i]]
})
CREATE (narrow)-[:PARENT {index: 0}]->(parent)
CREATE (chosen:Step {
    plan: $plan, round: $round, id: filter.id + $round + '.1', operator: 'FilterSources', names: narrow.names, origins: narrow.origins,
    criterion: filter.criterion, inputs: filter.inputs
})
CREATE (chosen)-[:PARENT {index: 0}]->(narrow)
CREATE (select:Step {plan: $plan, round: $round, id: filter.id + $round, operator: 'SelectSources', names: filter.names, origins: filter.origins})
CREATE (select)-[:PARENT {index: 0}]->(parent)
CREATE (select)-[:SOURCES]->(chosen)
RETURN filter.id AS replaced, select.id AS replacement
