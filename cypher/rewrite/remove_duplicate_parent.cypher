// name:      remove_duplicate_parent
// operators: ConcatenateAttributes
// replaces:  a ConcatenateAttributes that has one parent twice, by one that has it once
// needs:     its parents
// keeps:     sources, attributes, values
// paper:     Section 7.2
MATCH (join:Step {plan: $plan, operator: 'ConcatenateAttributes'})-[place:PARENT]->(parent:Step)
WITH join, parent.id AS parent, min(place.index) AS first, count(place) AS times
ORDER BY first
WITH join, collect(parent) AS parents, max(times) AS most
WHERE most > 1
CREATE (single:Step {plan: $plan, round: $round, id: join.id + $round, operator: 'ConcatenateAttributes', names: join.names, origins: join.origins})
WITH join, single, parents
UNWIND range(0, size(parents) - 1) AS index
MATCH (parent:Step {plan: $plan, id: parents[index]})
CREATE (single)-[:PARENT {index: index}]->(parent)
RETURN DISTINCT join.id AS replaced, single.id AS replacement
