// name:      rename_attributes_past_select_sources
// operators: RenameAttributes(SelectSources)
// replaces:  a RenameAttributes of a SelectSources, by the SelectSources of a RenameAttributes
// needs:     these two steps; origin is only what the replacement hangs from
// keeps:     sources, attributes, values
// paper:     Section 7.4, Fig. 3b: a selection moves down when what is below it moves up
MATCH (lower:Step {plan: $plan, operator: 'RenameAttributes'})-[:PARENT]->(select:Step {operator: 'SelectSources'})-[:PARENT]->(origin:Step)
CREATE (lifted:Step {
    plan: $plan, round: $round, id: lower.id + $round + '.0', operator: 'RenameAttributes', names: lower.names, origins: lower.origins,
    old: lower.old, new: lower.new
})
CREATE (lifted)-[:PARENT {index: 0}]->(origin)
CREATE (moved:Step {plan: $plan, round: $round, id: lower.id + $round, operator: 'SelectSources', names: lower.names, origins: lower.origins, source_list: select.source_list})
CREATE (moved)-[:PARENT {index: 0}]->(lifted)
WITH lower, moved, select
OPTIONAL MATCH (select)-[edge:SOURCES|EXCEPT]->(source:Step)
FOREACH (_ IN CASE WHEN type(edge) = 'SOURCES' THEN [1] ELSE [] END | MERGE (moved)-[:SOURCES]->(source))
FOREACH (_ IN CASE WHEN type(edge) = 'EXCEPT' THEN [1] ELSE [] END | MERGE (moved)-[:EXCEPT]->(source))
RETURN DISTINCT lower.id AS replaced, moved.id AS replacement
