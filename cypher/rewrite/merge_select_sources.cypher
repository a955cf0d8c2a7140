// name:      merge_select_sources
// operators: SelectSources(SelectSources)
// replaces:  a SelectSources whose parent is a SelectSources, by one that keeps and leaves out what both do
// needs:     that neither has a list: a list is found without the other, and may limit it
// keeps:     sources, attributes, values
// paper:     Section 7.2, Fig. 3d
MATCH (lower:Step {plan: $plan, operator: 'SelectSources'})-[:PARENT]->(upper:Step {operator: 'SelectSources'})-[:PARENT]->(origin:Step)
WHERE coalesce(lower.source_list, '') = '' AND coalesce(upper.source_list, '') = ''
CREATE (merged:Step {plan: $plan, round: $round, id: lower.id + $round, operator: 'SelectSources', names: lower.names, origins: lower.origins, of: [lower.id, upper.id]})
CREATE (merged)-[:PARENT {index: 0}]->(origin)
WITH lower, upper, merged
UNWIND [lower, upper] AS either
OPTIONAL MATCH (either)-[edge:SOURCES|EXCEPT]->(source:Step)
FOREACH (_ IN CASE WHEN type(edge) = 'SOURCES' THEN [1] ELSE [] END | MERGE (merged)-[:SOURCES]->(source))
FOREACH (_ IN CASE WHEN type(edge) = 'EXCEPT' THEN [1] ELSE [] END | MERGE (merged)-[:EXCEPT]->(source))
RETURN DISTINCT lower.id AS replaced, merged.id AS replacement
