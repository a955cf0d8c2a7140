// name:      remove_identity_select_attributes
// operators: SelectAttributes
// replaces:  a SelectAttributes that selects everything its parent has, by the parent
// needs:     whether anything depends on it: only for the end of a plan the order of its names matters
// keeps:     sources, attributes, values
// paper:     Section 7.2
MATCH (select:Step {plan: $plan, operator: 'SelectAttributes'})-[:PARENT]->(parent:Step)
WHERE select.names = parent.names
   OR (size(select.names) = size(parent.names) AND EXISTS { MATCH (select)<-[:PARENT]-(:Step) })
RETURN select.id AS replaced, parent.id AS replacement
