// name:      select_sources_past_filter_sources
// operators: SelectSources(FilterSources)
// replaces:  a SelectSources of a FilterSources, by a FilterSources of the SelectSources
// needs:     these two steps; origin is only what the replacement hangs from
// keeps:     sources, attributes, values
// paper:     Section 7.4, Fig. 3c
MATCH (select:Step {plan: $plan, operator: 'SelectSources'})-[:PARENT]->(upper:Step {operator: 'FilterSources'})-[:PARENT]->(origin:Step)
CREATE (moved:Step {plan: $plan, round: $round, id: select.id + $round + '.0', operator: 'SelectSources', names: origin.names, origins: origin.origins, source_list: select.source_list, of: select.id})
CREATE (moved)-[:PARENT {index: 0}]->(origin)
CREATE (limited:Step {
    plan: $plan, round: $round, id: select.id + $round, operator: 'FilterSources', names: select.names, origins: select.origins,
    criterion: upper.criterion, inputs: upper.inputs
})
CREATE (limited)-[:PARENT {index: 0}]->(moved)
RETURN select.id AS replaced, limited.id AS replacement;

MATCH (moved:Step {plan: $plan, round: $round})
MATCH (old:Step {plan: $plan, id: moved.of})-[:SOURCES]->(source:Step)
MERGE (moved)-[:SOURCES]->(source);

MATCH (moved:Step {plan: $plan, round: $round})
MATCH (old:Step {plan: $plan, id: moved.of})-[:EXCEPT]->(source:Step)
MERGE (moved)-[:EXCEPT]->(source)
