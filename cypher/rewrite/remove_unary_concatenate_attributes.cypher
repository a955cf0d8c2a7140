// name:      remove_unary_concatenate_attributes
// operators: ConcatenateAttributes
// asks:      unary
// replaces:  a ConcatenateAttributes of one parent, by a SelectAttributes of everything in its order
// needs:     its parents
// keeps:     sources, attributes, values
// paper:     Section 7.3, Fig. 4
UNWIND $unary AS one
MATCH (join:Step {plan: $plan, id: one.step, operator: 'ConcatenateAttributes'})-[:PARENT]->(parent:Step)
CREATE (same:Step {plan: $plan, round: $round, id: join.id + $round, operator: 'SelectAttributes', names: join.names, origins: join.origins})
CREATE (same)-[:PARENT {index: 0}]->(parent)
RETURN join.id AS replaced, same.id AS replacement
