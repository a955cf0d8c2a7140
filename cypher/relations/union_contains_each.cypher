// name:   union_contains_each
// rule:   R3 (U2)
// writes: each of some sets is part of their union
MATCH (n:Set {plan: $plan, kind: 'union'})-[:PART]->(p:Set)
WHERE NOT EXISTS { MATCH (p)-[:SUBSET_OF]->(n) }
CREATE (p)-[:SUBSET_OF {rule: 'U2', round: $round}]->(n)
RETURN count(p) AS new
