// name:      merge_rename_attributes
// operators: RenameAttributes(RenameAttributes)
// replaces:  a RenameAttributes whose parent is a RenameAttributes, by one that gives the last names
// needs:     these two steps; origin is only what the replacement hangs from
// keeps:     sources, attributes, values
// paper:     Section 7.2
MATCH (lower:Step {plan: $plan, operator: 'RenameAttributes'})-[:PARENT]->(upper:Step {operator: 'RenameAttributes'})-[:PARENT]->(origin:Step)
WITH lower, upper, origin, [i IN range(0, size(upper.new) - 1) WHERE NOT upper.new[i] IN lower.old] AS once
CREATE (merged:Step {
    plan: $plan, round: $round, id: lower.id + $round, operator: 'RenameAttributes', names: lower.names, origins: lower.origins,
    old: [name IN lower.old | coalesce(head([i IN range(0, size(upper.new) - 1) WHERE upper.new[i] = name | upper.old[i]]), name)] + [i IN once | upper.old[i]],
    new: lower.new + [i IN once | upper.new[i]]
})
CREATE (merged)-[:PARENT {index: 0}]->(origin)
RETURN lower.id AS replaced, merged.id AS replacement
