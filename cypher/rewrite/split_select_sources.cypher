// name:      split_select_sources
// operators: SelectSources(AttributeCalculator)
// asks:      evaluated
// replaces:  a SelectSources of an AttributeCalculator, by two: one that the calculator decides, of the one that can limit it
// needs:     which of the sources the same calculation is needed for
// keeps:     sources, attributes, values
// paper:     Section 7.4
MATCH (select:Step {plan: $plan, operator: 'SelectSources'})-[:PARENT]->(calculator:Step {operator: 'AttributeCalculator'})
WHERE any(pair IN $evaluated WHERE pair.step = select.id) AND (
      coalesce(select.source_list, '') <> '' OR EXISTS { MATCH (select)-[:EXCEPT]->(:Step) }
      OR EXISTS { MATCH (select)-[:SOURCES]->(source:Step) WHERE NOT any(pair IN $evaluated WHERE pair.step = select.id AND pair.source = source.id) })
CREATE (first:Step {plan: $plan, round: $round, id: select.id + $round + '.0', operator: 'SelectSources', names: select.names, origins: select.origins, source_list: select.source_list, of: select.id, decided: false})
CREATE (first)-[:PARENT {index: 0}]->(calculator)
CREATE (second:Step {plan: $plan, round: $round, id: select.id + $round, operator: 'SelectSources', names: select.names, origins: select.origins, of: select.id, decided: true})
CREATE (second)-[:PARENT {index: 0}]->(first)
RETURN select.id AS replaced, second.id AS replacement;

MATCH (second:Step {plan: $plan, round: $round, decided: true})
MATCH (old:Step {plan: $plan, id: second.of})-[:SOURCES]->(source:Step)
WHERE any(pair IN $evaluated WHERE pair.step = second.of AND pair.source = source.id)
MERGE (second)-[:SOURCES]->(source);

MATCH (first:Step {plan: $plan, round: $round, decided: false})
MATCH (old:Step {plan: $plan, id: first.of})-[:SOURCES]->(source:Step)
WHERE NOT any(pair IN $evaluated WHERE pair.step = first.of AND pair.source = source.id)
MERGE (first)-[:SOURCES]->(source);

MATCH (first:Step {plan: $plan, round: $round, decided: false})
MATCH (old:Step {plan: $plan, id: first.of})-[:EXCEPT]->(source:Step)
MERGE (first)-[:EXCEPT]->(source)
