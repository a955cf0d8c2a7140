// name:      select_attributes_past_concatenate_sources
// operators: SelectAttributes(ConcatenateSources)
// replaces:  a SelectAttributes of a ConcatenateSources, by a ConcatenateSources of one SelectAttributes for each parent
// needs:     the parents, in which the attributes have the same names and perhaps other origins
// keeps:     sources, attributes, values
// paper:     Section 7.3
MATCH (select:Step {plan: $plan, operator: 'SelectAttributes'})-[:PARENT]->(join:Step {operator: 'ConcatenateSources'})
CREATE (joined:Step {plan: $plan, round: $round, id: select.id + $round, operator: 'ConcatenateSources', names: select.names, origins: select.origins, policy: join.policy})
WITH select, join, joined
MATCH (join)-[place:PARENT]->(parent:Step)
WITH select, joined, parent, place.index AS index, [i IN range(0, size(parent.names) - 1) WHERE parent.names[i] IN select.names] AS kept
CREATE (part:Step {
    plan: $plan, round: $round, id: select.id + $round + '.' + toString(index), operator: 'SelectAttributes',
    names: [i IN kept | parent.names[i]], origins: [i IN kept | parent.origins[i]]
})
CREATE (part)-[:PARENT {index: 0}]->(parent)
CREATE (joined)-[:PARENT {index: index}]->(part)
RETURN DISTINCT select.id AS replaced, joined.id AS replacement
