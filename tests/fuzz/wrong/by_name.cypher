// name:      by_name
// operators: SelectAttributes(RenameAttributes)
// replaces:  a SelectAttributes of a RenameAttributes, by a SelectAttributes of what had these names before
// needs:     that attributes are known by their origin, which it does not heed
// keeps:     sources, attributes, values
// paper:     another origin under the same name
MATCH (select:Step {plan: $plan, operator: 'SelectAttributes'})-[:PARENT]->(:Step {operator: 'RenameAttributes'})-[:PARENT]->(origin:Step)
WHERE all(name IN select.names WHERE name IN origin.names)
CREATE (same:Step {
    plan: $plan, round: $round, id: select.id + $round, operator: 'SelectAttributes', names: select.names,
    origins: [name IN select.names | head([i IN range(0, size(origin.names) - 1) WHERE origin.names[i] = name | origin.origins[i]])]
})
CREATE (same)-[:PARENT {index: 0}]->(origin)
RETURN select.id AS replaced, same.id AS replacement
