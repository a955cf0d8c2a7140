// name:      remove_duplicate_parent_of_concatenate_sources
// operators: ConcatenateSources
// asks:      repeated_sources
// replaces:  a ConcatenateSources that has one parent twice, by one that has it once
// needs:     its parents: the same step, whatever its attributes are called
// keeps:     sources, attributes, values
// paper:     Section 7.2
UNWIND $repeated_sources AS one
MATCH (join:Step {plan: $plan, id: one.step, operator: 'ConcatenateSources'})-[place:PARENT]->(parent:Step)
WITH join, parent.id AS parent, min(place.index) AS first
ORDER BY first
WITH join, collect(parent) AS parents
CREATE (single:Step {plan: $plan, round: $round, id: join.id + $round, operator: 'ConcatenateSources', names: join.names, origins: join.origins, policy: join.policy})
WITH join, single, parents
UNWIND range(0, size(parents) - 1) AS index
MATCH (parent:Step {plan: $plan, id: parents[index]})
CREATE (single)-[:PARENT {index: index}]->(parent)
RETURN DISTINCT join.id AS replaced, single.id AS replacement
