// name:      filter_sources_past_concatenate_attributes
// operators: FilterSources(ConcatenateAttributes)
// asks:      unlimited
// replaces:  a FilterSources of a ConcatenateAttributes, by the ConcatenateAttributes with that parent filtered which the criterion reads
// needs:     which parent has all that it reads, and that the others have all its sources: then it is evaluated on no more of them
// keeps:     sources, attributes, values
// paper:     Section 7.3
UNWIND $unlimited AS one
MATCH (filter:Step {plan: $plan, id: one.step})-[:PARENT]->(join:Step)
MATCH (join)-[:PARENT {index: one.index}]->(read:Step)
CREATE (filtered:Step {
    plan: $plan, round: $round, id: filter.id + $round + '.0', operator: 'FilterSources', names: read.names, origins: read.origins,
    criterion: filter.criterion, inputs: filter.inputs
})
CREATE (filtered)-[:PARENT {index: 0}]->(read)
CREATE (joined:Step {plan: $plan, round: $round, id: filter.id + $round, operator: 'ConcatenateAttributes', names: filter.names, origins: filter.origins})
CREATE (joined)-[:PARENT {index: one.index}]->(filtered)
WITH filter, join, joined, one
OPTIONAL MATCH (join)-[place:PARENT]->(parent:Step)
WHERE place.index <> one.index
WITH filter, joined, collect({id: parent.id, index: place.index}) AS others
UNWIND others AS other
MATCH (parent:Step {plan: $plan, id: other.id})
CREATE (joined)-[:PARENT {index: other.index}]->(parent)
RETURN DISTINCT filter.id AS replaced, joined.id AS replacement
