// name:      remove_duplicate_parent
// operators: ConcatenateAttributes
// asks:      repeated
// replaces:  a ConcatenateAttributes that has one parent twice, by one that has it once
// needs:     its parents
// keeps:     sources, attributes, values
// paper:     Section 7.2
UNWIND $repeated AS one
MATCH (join:Step {plan: $plan, id: one.step, operator: 'ConcatenateAttributes'})-[place:PARENT]->(parent:Step)
WITH join, parent.id AS parent, min(place.index) AS first
ORDER BY first
WITH join, collect(parent) AS parents
CREATE (single:Step {plan: $plan, round: $round, id: join.id + $round, operator: 'ConcatenateAttributes', names: join.names, origins: join.origins})
WITH join, single, parents
UNWIND range(0, size(parents) - 1) AS index
MATCH (parent:Step {plan: $plan, id: parents[index]})
CREATE (single)-[:PARENT {index: index}]->(parent)
RETURN DISTINCT join.id AS replaced, single.id AS replacement
