// name:      remove_implied_filter_sources
// operators: FilterSources
// asks:      kept_whole
// replaces:  a FilterSources that keeps everything, by a SelectAttributes of everything in its order
// needs:     proof of that, from criteria or from the statistics of stored columns
// keeps:     sources, attributes, values
// paper:     Section 7.2
UNWIND $kept_whole AS one
MATCH (filter:Step {plan: $plan, id: one.step})-[:PARENT]->(parent:Step)
CREATE (same:Step {plan: $plan, round: $round, id: filter.id + $round, operator: 'SelectAttributes', names: filter.names, origins: filter.origins})
CREATE (same)-[:PARENT {index: 0}]->(parent)
RETURN filter.id AS replaced, same.id AS replacement
