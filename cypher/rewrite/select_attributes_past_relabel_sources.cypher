// name:      select_attributes_past_relabel_sources
// operators: SelectAttributes(RelabelSources)
// replaces:  a SelectAttributes of a RelabelSources, by a RelabelSources of a SelectAttributes
// needs:     these two steps; attributes keep their names, not their origins
// keeps:     sources, attributes, values
// paper:     Section 7.3
MATCH (select:Step {plan: $plan, operator: 'SelectAttributes'})-[:PARENT]->(relabel:Step {operator: 'RelabelSources'})-[:PARENT]->(origin:Step)
WITH select, relabel, origin, [i IN range(0, size(origin.names) - 1) WHERE origin.names[i] IN select.names] AS kept
CREATE (narrow:Step {
    plan: $plan, round: $round, id: select.id + $round + '.0', operator: 'SelectAttributes',
    names: [i IN kept | origin.names[i]], origins: [i IN kept | origin.origins[i]]
})
CREATE (narrow)-[:PARENT {index: 0}]->(origin)
CREATE (moved:Step {
    plan: $plan, round: $round, id: select.id + $round, operator: 'RelabelSources', names: select.names, origins: select.origins,
    relabelling: relabel.relabelling, injective: relabel.injective
})
CREATE (moved)-[:PARENT {index: 0}]->(narrow)
RETURN select.id AS replaced, moved.id AS replacement
