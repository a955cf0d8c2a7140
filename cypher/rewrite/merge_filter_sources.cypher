// name:      merge_filter_sources
// operators: FilterSources(FilterSources)
// asks:      together
// replaces:  a FilterSources whose parent is a FilterSources, by one with both criteria
// needs:     that both need the same calculations; otherwise the first can limit those of the second
// keeps:     sources, attributes, values
// paper:     Section 7.2
UNWIND $together AS pair
MATCH (lower:Step {plan: $plan, id: pair.step})-[:PARENT]->(upper:Step {id: pair.parent})-[:PARENT]->(origin:Step)
CREATE (merged:Step {
    plan: $plan, round: $round, id: lower.id + $round, operator: 'FilterSources', names: lower.names, origins: lower.origins,
    criterion: CASE WHEN lower.criterion < upper.criterion
               THEN '(' + lower.criterion + ') and (' + upper.criterion + ')'
               ELSE '(' + upper.criterion + ') and (' + lower.criterion + ')' END,
    inputs: lower.inputs + [origin IN upper.inputs WHERE NOT origin IN lower.inputs]
})
CREATE (merged)-[:PARENT {index: 0}]->(origin)
RETURN lower.id AS replaced, merged.id AS replacement
