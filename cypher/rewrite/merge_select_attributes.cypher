// name:      merge_select_attributes
// operators: SelectAttributes(SelectAttributes)
// replaces:  a SelectAttributes whose parent is a SelectAttributes, by one SelectAttributes
// needs:     these two steps; origin is only what the replacement hangs from
// keeps:     sources, attributes, values
// paper:     Section 7.2, Fig. 4a
MATCH (lower:Step {plan: $plan, operator: 'SelectAttributes'})-[:PARENT]->(upper:Step {operator: 'SelectAttributes'})-[:PARENT]->(origin:Step)
CREATE (merged:Step {plan: $plan, round: $round, id: lower.id + $round, operator: 'SelectAttributes', names: lower.names, origins: lower.origins})
CREATE (merged)-[:PARENT {index: 0}]->(origin)
RETURN lower.id AS replaced, merged.id AS replacement
