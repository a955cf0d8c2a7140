// name:      stored_to_external
// operators: any
// asks:      stored_whole
// replaces:  a step whose catalog data are stored completely, by the External that reads them
// needs:     proof that what is stored has exactly its sources
// keeps:     sources, attributes, values
// paper:     Section 7.2
UNWIND $stored_whole AS one
MATCH (step:Step {plan: $plan, id: one.step})
CREATE (leaf:Step {
    plan: $plan, round: $round, id: step.id + $round, operator: 'External', names: step.names, origins: step.origins,
    stored: step.origins, atoms: one.atoms, lineage_key: one.name
})
RETURN step.id AS replaced, leaf.id AS replacement
