// name:      select_sources_past_concatenate_attributes
// operators: SelectSources(ConcatenateAttributes)
// replaces:  a SelectSources of a ConcatenateAttributes, by a ConcatenateAttributes of one SelectSources for each parent
// needs:     the parents
// keeps:     sources, attributes, values
// paper:     Section 7.4, Fig. 3c: copies for all parents are what saves the work
MATCH (select:Step {plan: $plan, operator: 'SelectSources'})-[:PARENT]->(join:Step {operator: 'ConcatenateAttributes'})
CREATE (joined:Step {plan: $plan, round: $round, id: select.id + $round, operator: 'ConcatenateAttributes', names: select.names, origins: select.origins})
WITH select, join, joined
MATCH (join)-[place:PARENT]->(parent:Step)
CREATE (moved:Step {
    plan: $plan, round: $round, id: select.id + $round + '.' + toString(place.index), operator: 'SelectSources',
    names: parent.names, origins: parent.origins, source_list: select.source_list, of: select.id
})
CREATE (moved)-[:PARENT {index: 0}]->(parent)
CREATE (joined)-[:PARENT {index: place.index}]->(moved)
RETURN DISTINCT select.id AS replaced, joined.id AS replacement;

MATCH (moved:Step {plan: $plan, round: $round})
MATCH (old:Step {plan: $plan, id: moved.of})-[:SOURCES]->(source:Step)
MERGE (moved)-[:SOURCES]->(source);

MATCH (moved:Step {plan: $plan, round: $round})
MATCH (old:Step {plan: $plan, id: moved.of})-[:EXCEPT]->(source:Step)
MERGE (moved)-[:EXCEPT]->(source)
