// name:      remove_pass
// operators: Pass
// replaces:  a Pass, by its parent
// needs:     nothing more
// keeps:     sources, attributes, values
// paper:     Section 7.2
MATCH (pass:Step {plan: $plan, operator: 'Pass'})-[:PARENT]->(parent:Step)
RETURN pass.id AS replaced, parent.id AS replacement
