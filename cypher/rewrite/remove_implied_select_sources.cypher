// name:      remove_implied_select_sources
// operators: SelectSources
// asks:      implied
// replaces:  a SelectSources that selects everything its parent has, by a SelectAttributes of everything in its order
// needs:     proof that all its sources keep everything
// keeps:     sources, attributes, values
// paper:     Section 7.3
UNWIND $implied AS pair
WITH pair.step AS id, collect(pair.source) AS dropped
MATCH (select:Step {plan: $plan, id: id})-[:PARENT]->(origin:Step)
WHERE coalesce(select.source_list, '') = '' AND NOT EXISTS { MATCH (select)-[:EXCEPT]->(:Step) }
  AND NOT EXISTS { MATCH (select)-[:SOURCES]->(source:Step) WHERE NOT source.id IN dropped }
CREATE (same:Step {plan: $plan, round: $round, id: select.id + $round, operator: 'SelectAttributes', names: select.names, origins: select.origins})
CREATE (same)-[:PARENT {index: 0}]->(origin)
RETURN select.id AS replaced, same.id AS replacement
