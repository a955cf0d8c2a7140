// name:      select_sources_to_filter_sources
// operators: SelectSources
// asks:      contained
// replaces:  a SelectSources that selects the sources of a step with all its attributes, by a SelectAttributes of that step
// needs:     proof that both have the same sources
// keeps:     sources, attributes, values
// paper:     Section 7.2
UNWIND $contained AS one
MATCH (select:Step {plan: $plan, id: one.step})
MATCH (source:Step {plan: $plan, id: one.source})
CREATE (same:Step {plan: $plan, round: $round, id: select.id + $round, operator: 'SelectAttributes', names: select.names, origins: select.origins})
CREATE (same)-[:PARENT {index: 0}]->(source)
RETURN select.id AS replaced, same.id AS replacement
