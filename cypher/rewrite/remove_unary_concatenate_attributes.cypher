// name:      remove_unary_concatenate_attributes
// operators: ConcatenateAttributes
// replaces:  a ConcatenateAttributes of one parent, by a SelectAttributes of everything in its order
// needs:     its parents
// keeps:     sources, attributes, values
// paper:     Section 7.3, Fig. 4
MATCH (join:Step {plan: $plan, operator: 'ConcatenateAttributes'})-[place:PARENT]->(parent:Step)
WITH join, collect(parent.id) AS parents
WHERE size(parents) = 1
MATCH (parent:Step {plan: $plan, id: parents[0]})
CREATE (same:Step {plan: $plan, round: $round, id: join.id + $round, operator: 'SelectAttributes', names: join.names, origins: join.origins})
CREATE (same)-[:PARENT {index: 0}]->(parent)
RETURN join.id AS replaced, same.id AS replacement
