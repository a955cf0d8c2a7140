// name:      two_valued
// when:      last
// operators: FilterSources
// replaces:  a FilterSources of x >= 1 or x is null, which is the complement of x < 1, by one of x >= 1
// needs:     that every value is there, which it does not ask for
// keeps:     sources, attributes, values
// paper:     a two-valued complement where values are NaN or NULL
MATCH (filter:Step {plan: $plan, operator: 'FilterSources'})-[:PARENT]->(origin:Step)
WHERE filter.criterion CONTAINS ' or ' AND filter.criterion ENDS WITH ' is null' AND NOT filter.criterion CONTAINS '('
CREATE (negated:Step {
    plan: $plan, round: $round, id: filter.id + $round, operator: 'FilterSources', names: filter.names, origins: filter.origins,
    criterion: split(filter.criterion, ' or ')[0], inputs: filter.inputs
})
CREATE (negated)-[:PARENT {index: 0}]->(origin)
RETURN filter.id AS replaced, negated.id AS replacement
