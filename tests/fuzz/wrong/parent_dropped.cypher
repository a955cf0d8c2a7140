// name:      parent_dropped
// operators: ConcatenateAttributes
// replaces:  a ConcatenateAttributes with a parent without attributes, by its first parent
// needs:     proof that this parent does not limit the sources, which it does not ask for
// keeps:     sources, attributes, values
// paper:     S2 without its side condition
MATCH (join:Step {plan: $plan, operator: 'ConcatenateAttributes'})-[:PARENT {index: 0}]->(first:Step)
WHERE size(join.names) = size(first.names)
CREATE (alone:Step {plan: $plan, round: $round, id: join.id + $round, operator: 'SelectAttributes', names: join.names, origins: join.origins})
CREATE (alone)-[:PARENT {index: 0}]->(first)
RETURN join.id AS replaced, alone.id AS replacement
