// name:      remove_identity_rename_attributes
// operators: RenameAttributes
// asks:      renamed_alike
// replaces:  a RenameAttributes that gives every attribute the name it has, by a SelectAttributes of everything in its order
// needs:     this step
// keeps:     sources, attributes, values
// paper:     Section 7.2
UNWIND $renamed_alike AS one
MATCH (rename:Step {plan: $plan, id: one.step})-[:PARENT]->(parent:Step)
CREATE (same:Step {plan: $plan, round: $round, id: rename.id + $round, operator: 'SelectAttributes', names: rename.names, origins: rename.origins})
CREATE (same)-[:PARENT {index: 0}]->(parent)
RETURN rename.id AS replaced, same.id AS replacement
