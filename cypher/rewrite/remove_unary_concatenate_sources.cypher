// name:      remove_unary_concatenate_sources
// operators: ConcatenateSources
// asks:      unary_sources
// replaces:  a ConcatenateSources of one parent, by a SelectAttributes of everything in its order
// needs:     its parents; that the values are known to come from where those of the parent do
// keeps:     sources, attributes, values
// paper:     Section 7.2
UNWIND $unary_sources AS one
MATCH (join:Step {plan: $plan, id: one.step, operator: 'ConcatenateSources'})-[:PARENT]->(parent:Step)
WHERE all(origin IN join.origins WHERE origin IN parent.origins)
CREATE (same:Step {plan: $plan, round: $round, id: join.id + $round, operator: 'SelectAttributes', names: join.names, origins: join.origins})
CREATE (same)-[:PARENT {index: 0}]->(parent)
RETURN join.id AS replaced, same.id AS replacement
