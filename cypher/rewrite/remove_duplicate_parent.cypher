// name:      remove_duplicate_parent
// operators: ConcatenateAttributes
// replaces:  a ConcatenateAttributes that has one parent twice, by one that has it once
// needs:     its parents
// keeps:     sources, attributes, values
// paper:     Section 7.2
MATCH (join:Step {plan: $plan, operator: 'ConcatenateAttributes'})-[place:PARENT]->(parent:Step)
WITH join, parent, min(place.index) AS first, count(place) AS times
WITH join, collect({parent: parent.id, index: first}) AS parents, max(times) AS most
WHERE most > 1
CREATE (single:Step {plan: $plan, round: $round, id: join.id + $round, operator: 'ConcatenateAttributes', names: join.names, origins: join.origins})
WITH join, single, parents
UNWIND parents AS one
MATCH (parent:Step {plan: $plan, id: one.parent})
CREATE (single)-[:PARENT {index: one.index}]->(parent)
RETURN DISTINCT join.id AS replaced, single.id AS replacement
