// name:      select_attributes_past_concatenate_attributes
// operators: SelectAttributes(ConcatenateAttributes)
// replaces:  a SelectAttributes of a ConcatenateAttributes, by a ConcatenateAttributes of one SelectAttributes for each parent
// needs:     the parents; an attribute that several have comes from the first
// keeps:     sources, attributes, values
// paper:     Section 7.3, Fig. 4b
MATCH (select:Step {plan: $plan, operator: 'SelectAttributes'})-[:PARENT]->(join:Step {operator: 'ConcatenateAttributes'})
CREATE (joined:Step {plan: $plan, round: $round, id: select.id + $round, operator: 'ConcatenateAttributes', names: select.names, origins: select.origins})
WITH select, join, joined
MATCH (join)-[place:PARENT]->(parent:Step)
OPTIONAL MATCH (join)-[before:PARENT]->(earlier:Step)
WHERE before.index < place.index
WITH select, joined, parent, place.index AS index, collect(earlier.names) AS given
WITH select, joined, parent, index,
     [i IN range(0, size(select.names) - 1) WHERE select.names[i] IN parent.names AND none(names IN given WHERE select.names[i] IN names)] AS kept
CREATE (part:Step {
    plan: $plan, round: $round, id: select.id + $round + '.' + toString(index), operator: 'SelectAttributes',
    names: [i IN kept | select.names[i]], origins: [i IN kept | select.origins[i]]
})
CREATE (part)-[:PARENT {index: 0}]->(parent)
CREATE (joined)-[:PARENT {index: index}]->(part)
RETURN DISTINCT select.id AS replaced, joined.id AS replacement
