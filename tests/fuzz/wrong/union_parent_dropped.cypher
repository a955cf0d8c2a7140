// name:      union_parent_dropped
// operators: ConcatenateSources
// replaces:  a ConcatenateSources, by one without its last parent
// needs:     proof that another parent has all its sources, which it does not ask for
// keeps:     sources, attributes, values
// paper:     S4 without its side condition
MATCH (together:Step {plan: $plan, operator: 'ConcatenateSources'})-[place:PARENT]->(:Step)
WITH together, max(place.index) AS last
WHERE last > 0
CREATE (fewer:Step {plan: $plan, round: $round, id: together.id + $round, operator: 'ConcatenateSources', names: together.names, origins: together.origins, policy: together.policy})
WITH together, fewer, last
MATCH (together)-[place:PARENT]->(parent:Step)
WHERE place.index < last
CREATE (fewer)-[:PARENT {index: place.index}]->(parent)
RETURN DISTINCT together.id AS replaced, fewer.id AS replacement
