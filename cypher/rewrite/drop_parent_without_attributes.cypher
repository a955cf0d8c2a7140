// name:      drop_parent_without_attributes
// operators: ConcatenateAttributes
// asks:      droppable
// replaces:  a ConcatenateAttributes that has parents without attributes, by one without these parents
// needs:     proof that the sources of what remains are all among those of the dropped parent
// keeps:     sources, attributes, values
// paper:     Section 7.3, Fig. 4
UNWIND $droppable AS drop
WITH drop.step AS id, collect(drop.index) AS dropped
MATCH (join:Step {plan: $plan, id: id})
CREATE (rest:Step {plan: $plan, round: $round, id: join.id + $round, operator: 'ConcatenateAttributes', names: join.names, origins: join.origins})
WITH join, rest, dropped
MATCH (join)-[place:PARENT]->(parent:Step)
WHERE NOT place.index IN dropped
WITH join, rest, parent.id AS parent, place.index AS index
ORDER BY index
WITH join, rest, collect(parent) AS parents
UNWIND range(0, size(parents) - 1) AS index
MATCH (parent:Step {plan: $plan, id: parents[index]})
CREATE (rest)-[:PARENT {index: index}]->(parent)
RETURN DISTINCT join.id AS replaced, rest.id AS replacement
