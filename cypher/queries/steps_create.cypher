// name: steps_create
// writes: the steps of a plan in the transient copy; edges follow
UNWIND $rows AS row
CREATE (step:Step {
    plan: $plan, round: '', id: row.id, operator: row.operator, names: row.names, origins: row.origins,
    criterion: row.criterion, definition: row.definition, inputs: row.inputs, parameters: row.parameters,
    whole_catalog: row.whole_catalog, source_list: row.source_list, atoms: row.atoms, lineage_key: row.lineage_key,
    stored: row.stored, old: row.old, new: row.new, policy: row.policy, relabelling: row.relabelling,
    injective: row.injective, strict: row.strict
})
RETURN count(step) AS created
