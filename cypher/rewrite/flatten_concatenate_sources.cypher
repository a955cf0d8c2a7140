// name:      flatten_concatenate_sources
// operators: ConcatenateSources(ConcatenateSources)
// replaces:  a ConcatenateSources that has such parents, by one of their parents in their places
// needs:     these steps and their parents; where the first wins in one of them, it does in all: then the order is the same
// keeps:     sources, attributes, values
// paper:     Section 7.2
MATCH (outer:Step {plan: $plan, operator: 'ConcatenateSources'})-[:PARENT]->(within:Step {operator: 'ConcatenateSources'})
WITH outer, collect(coalesce(within.policy, '')) AS policies
WITH outer, CASE WHEN 'first' IN policies OR outer.policy = 'first' THEN 'first' ELSE '' END AS policy
MATCH (outer)-[place:PARENT]->(inner:Step)
OPTIONAL MATCH (inner)-[inside:PARENT]->(part:Step)
WHERE inner.operator = 'ConcatenateSources'
WITH outer, policy, coalesce(part.id, inner.id) AS parent, place.index AS first, coalesce(inside.index, 0) AS second
ORDER BY first, second
WITH outer, policy, collect(parent) AS parents
CREATE (flat:Step {plan: $plan, round: $round, id: outer.id + $round, operator: 'ConcatenateSources', names: outer.names, origins: outer.origins, policy: policy})
WITH outer, flat, parents
UNWIND range(0, size(parents) - 1) AS index
MATCH (parent:Step {plan: $plan, id: parents[index]})
CREATE (flat)-[:PARENT {index: index}]->(parent)
RETURN DISTINCT outer.id AS replaced, flat.id AS replacement
