// name:      select_sources_past_concatenate_sources
// operators: SelectSources(ConcatenateSources)
// replaces:  a SelectSources of a ConcatenateSources, by a ConcatenateSources of one SelectSources for each parent
// needs:     the parents
// keeps:     sources, attributes, values
// paper:     Section 7.4, Fig. 3c
MATCH (select:Step {plan: $plan, operator: 'SelectSources'})-[:PARENT]->(join:Step {operator: 'ConcatenateSources'})
CREATE (joined:Step {plan: $plan, round: $round, id: select.id + $round, operator: 'ConcatenateSources', names: select.names, origins: select.origins, policy: join.policy})
WITH select, join, joined
MATCH (join)-[place:PARENT]->(parent:Step)
CREATE (moved:Step {
    plan: $plan, round: $round, id: select.id + $round + '.' + toString(place.index), operator: 'SelectSources',
    names: parent.names, origins: parent.origins, source_list: select.source_list
})
CREATE (moved)-[:PARENT {index: 0}]->(parent)
CREATE (joined)-[:PARENT {index: place.index}]->(moved)
WITH select, joined, moved
OPTIONAL MATCH (select)-[edge:SOURCES|EXCEPT]->(source:Step)
FOREACH (_ IN CASE WHEN type(edge) = 'SOURCES' THEN [1] ELSE [] END | MERGE (moved)-[:SOURCES]->(source))
FOREACH (_ IN CASE WHEN type(edge) = 'EXCEPT' THEN [1] ELSE [] END | MERGE (moved)-[:EXCEPT]->(source))
RETURN DISTINCT select.id AS replaced, joined.id AS replacement
