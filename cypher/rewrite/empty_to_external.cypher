// name:      empty_to_external
// operators: any
// asks:      empties
// replaces:  a step that has no sources, by an External without any
// needs:     proof of that
// keeps:     sources, attributes, values
// paper:     Section 7.2
UNWIND $empties AS one
MATCH (step:Step {plan: $plan, id: one.step})
CREATE (nothing:Step {
    plan: $plan, round: $round, id: step.id + $round, operator: 'External', names: step.names, origins: step.origins,
    stored: step.origins, atoms: one.atoms, lineage_key: 'empty ' + step.id
})
RETURN step.id AS replaced, nothing.id AS replacement
