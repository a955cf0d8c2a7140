// name:      untranslated
// operators: SelectSources(RelabelSources)
// replaces:  a SelectSources of a RelabelSources, by a RelabelSources of the same SelectSources
// needs:     that what it selects is said in the identifiers of before, which it does not do
// keeps:     sources, attributes, values
// paper:     M5 without its side condition
MATCH (select:Step {plan: $plan, operator: 'SelectSources'})-[:PARENT]->(relabel:Step {operator: 'RelabelSources'})-[:PARENT]->(origin:Step)
CREATE (moved:Step {plan: $plan, round: $round, id: select.id + $round + '.0', operator: 'SelectSources', names: origin.names, origins: origin.origins, source_list: select.source_list, of: select.id})
CREATE (moved)-[:PARENT {index: 0}]->(origin)
CREATE (limited:Step {
    plan: $plan, round: $round, id: select.id + $round, operator: 'RelabelSources', names: select.names, origins: select.origins,
    relabelling: relabel.relabelling, injective: relabel.injective
})
CREATE (limited)-[:PARENT {index: 0}]->(moved)
RETURN select.id AS replaced, limited.id AS replacement;

MATCH (moved:Step {plan: $plan, round: $round})
MATCH (old:Step {plan: $plan, id: moved.of})-[:SOURCES]->(source:Step)
MERGE (moved)-[:SOURCES]->(source)
