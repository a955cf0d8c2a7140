// name:      flatten_concatenate_attributes
// operators: ConcatenateAttributes(ConcatenateAttributes)
// replaces:  a ConcatenateAttributes that has such parents, by one of their parents in their places
// needs:     these steps and their parents
// keeps:     sources, attributes, values
// paper:     Section 7.2
MATCH (outer:Step {plan: $plan, operator: 'ConcatenateAttributes'})-[:PARENT]->(:Step {operator: 'ConcatenateAttributes'})
WITH DISTINCT outer
MATCH (outer)-[place:PARENT]->(inner:Step)
OPTIONAL MATCH (inner)-[within:PARENT]->(part:Step)
WHERE inner.operator = 'ConcatenateAttributes'
WITH outer, coalesce(part.id, inner.id) AS parent, place.index AS first, coalesce(within.index, 0) AS second
ORDER BY first, second
WITH outer, collect(parent) AS parents
CREATE (flat:Step {plan: $plan, round: $round, id: outer.id + $round, operator: 'ConcatenateAttributes', names: outer.names, origins: outer.origins})
WITH outer, flat, parents
UNWIND range(0, size(parents) - 1) AS index
MATCH (parent:Step {plan: $plan, id: parents[index]})
CREATE (flat)-[:PARENT {index: index}]->(parent)
RETURN DISTINCT outer.id AS replaced, flat.id AS replacement
