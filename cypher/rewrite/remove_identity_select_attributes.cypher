// name:      remove_identity_select_attributes
// operators: SelectAttributes
// asks:      identical
// replaces:  a SelectAttributes that selects everything its parent has, by the parent
// needs:     whether anything depends on it: only for the end of a plan the order of its names matters,
//            so there the parent must not be one that may go, too
// keeps:     sources, attributes, values
// paper:     Section 7.2
UNWIND $identical AS one
MATCH (select:Step {plan: $plan, id: one.step})-[:PARENT]->(parent:Step)
RETURN select.id AS replaced, parent.id AS replacement
