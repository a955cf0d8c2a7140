// name:   as_many_sources
// rule:   E7
// writes: a part with as many sources as the whole is the whole
MATCH (a:Set {plan: $plan})-[:SUBSET_OF]->(b:Set)
WHERE a.n = b.n AND NOT EXISTS { MATCH (b)-[:SUBSET_OF]->(a) }
CREATE (b)-[:SUBSET_OF {rule: 'E7', round: $round}]->(a)
RETURN count(b) AS new
