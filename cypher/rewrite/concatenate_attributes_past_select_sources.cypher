// name:      concatenate_attributes_past_select_sources
// operators: ConcatenateAttributes(SelectSources)
// replaces:  a ConcatenateAttributes of a SelectSources and others, by the SelectSources of a ConcatenateAttributes
// needs:     its parents; of several SelectSources the first one, the others follow
// keeps:     sources, attributes, values
// paper:     Section 7.4, Fig. 3b: a selection moves down when what is below it moves up
MATCH (join:Step {plan: $plan, operator: 'ConcatenateAttributes'})-[place:PARENT]->(:Step {operator: 'SelectSources'})
WITH join, min(place.index) AS first
MATCH (join)-[:PARENT {index: first}]->(select:Step)
CREATE (joined:Step {plan: $plan, round: $round, id: join.id + $round + '.0', operator: 'ConcatenateAttributes', names: join.names, origins: join.origins})
CREATE (moved:Step {plan: $plan, round: $round, id: join.id + $round, operator: 'SelectSources', names: join.names, origins: join.origins, source_list: select.source_list})
CREATE (moved)-[:PARENT {index: 0}]->(joined)
WITH join, joined, moved, select, first
OPTIONAL MATCH (select)-[edge:SOURCES|EXCEPT]->(source:Step)
FOREACH (_ IN CASE WHEN type(edge) = 'SOURCES' THEN [1] ELSE [] END | MERGE (moved)-[:SOURCES]->(source))
FOREACH (_ IN CASE WHEN type(edge) = 'EXCEPT' THEN [1] ELSE [] END | MERGE (moved)-[:EXCEPT]->(source))
WITH DISTINCT join, joined, moved, first
MATCH (join)-[place:PARENT]->(parent:Step)
OPTIONAL MATCH (parent)-[:PARENT]->(origin:Step)
WHERE place.index = first
WITH join, joined, moved, place.index AS index, coalesce(origin.id, parent.id) AS id
MATCH (part:Step {plan: $plan, id: id})
CREATE (joined)-[:PARENT {index: index}]->(part)
RETURN DISTINCT join.id AS replaced, moved.id AS replacement
