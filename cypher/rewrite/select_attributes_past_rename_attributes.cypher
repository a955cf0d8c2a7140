// name:      select_attributes_past_rename_attributes
// operators: SelectAttributes(RenameAttributes)
// replaces:  a SelectAttributes of a RenameAttributes, by a RenameAttributes of a SelectAttributes of the old names
// needs:     these two steps; origin is only what the replacement hangs from
// keeps:     sources, attributes, values
// paper:     Section 7.3
MATCH (select:Step {plan: $plan, operator: 'SelectAttributes'})-[:PARENT]->(rename:Step {operator: 'RenameAttributes'})-[:PARENT]->(origin:Step)
WITH select, rename, origin, [i IN range(0, size(coalesce(rename.new, [])) - 1) WHERE rename.new[i] IN select.names] AS kept
CREATE (narrow:Step {
    plan: $plan, round: $round, id: select.id + $round + '.0', operator: 'SelectAttributes', origins: select.origins,
    names: [name IN select.names | coalesce(head([i IN kept WHERE rename.new[i] = name | rename.old[i]]), name)]
})
CREATE (narrow)-[:PARENT {index: 0}]->(origin)
CREATE (renamed:Step {
    plan: $plan, round: $round, id: select.id + $round, operator: 'RenameAttributes', names: select.names, origins: select.origins,
    old: [i IN kept | rename.old[i]], new: [i IN kept | rename.new[i]]
})
CREATE (renamed)-[:PARENT {index: 0}]->(narrow)
RETURN select.id AS replaced, renamed.id AS replacement
