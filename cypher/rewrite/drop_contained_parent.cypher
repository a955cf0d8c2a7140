// name:      drop_contained_parent
// operators: ConcatenateSources
// asks:      superfluous
// replaces:  a ConcatenateSources, by one without the parents whose sources others have, too
// needs:     proof of that, and that it is the others' values that count or that these are the same
// keeps:     sources, attributes, values
// paper:     Section 7.3
UNWIND $superfluous AS drop
WITH drop.step AS id, collect(drop.index) AS dropped
MATCH (together:Step {plan: $plan, id: id})
CREATE (rest:Step {plan: $plan, round: $round, id: together.id + $round, operator: 'ConcatenateSources', names: together.names, origins: together.origins, policy: together.policy})
WITH together, rest, dropped
MATCH (together)-[place:PARENT]->(parent:Step)
WHERE NOT place.index IN dropped
WITH together, rest, parent.id AS parent, place.index AS index
ORDER BY index
WITH together, rest, collect(parent) AS parents
UNWIND range(0, size(parents) - 1) AS index
MATCH (parent:Step {plan: $plan, id: parents[index]})
CREATE (rest)-[:PARENT {index: index}]->(parent)
RETURN DISTINCT together.id AS replaced, rest.id AS replacement
