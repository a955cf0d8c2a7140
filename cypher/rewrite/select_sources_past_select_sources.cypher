// name:      select_sources_past_select_sources
// operators: SelectSources(SelectSources)
// replaces:  a SelectSources with a list whose parent is one without, by these two in the other order
// needs:     that the list says everything about the lower one
// keeps:     sources, attributes, values
// paper:     Section 7.4
MATCH (listed:Step {plan: $plan, operator: 'SelectSources'})-[:PARENT]->(select:Step {operator: 'SelectSources'})-[:PARENT]->(origin:Step)
WHERE coalesce(listed.source_list, '') <> '' AND coalesce(select.source_list, '') = ''
  AND NOT EXISTS { MATCH (listed)-[:SOURCES|EXCEPT]->(:Step) }
CREATE (lifted:Step {plan: $plan, round: $round, id: listed.id + $round + '.0', operator: 'SelectSources', names: listed.names, origins: listed.origins, source_list: listed.source_list})
CREATE (lifted)-[:PARENT {index: 0}]->(origin)
CREATE (moved:Step {plan: $plan, round: $round, id: listed.id + $round, operator: 'SelectSources', names: listed.names, origins: listed.origins, of: select.id})
CREATE (moved)-[:PARENT {index: 0}]->(lifted)
RETURN listed.id AS replaced, moved.id AS replacement;

MATCH (moved:Step {plan: $plan, round: $round})
MATCH (old:Step {plan: $plan, id: moved.of})-[:SOURCES]->(source:Step)
MERGE (moved)-[:SOURCES]->(source);

MATCH (moved:Step {plan: $plan, round: $round})
MATCH (old:Step {plan: $plan, id: moved.of})-[:EXCEPT]->(source:Step)
MERGE (moved)-[:EXCEPT]->(source)
