// name:   intersection_is_part_of_each
// rule:   R1 (U1)
// writes: what is in all of some sets is in each of them
MATCH (n:Set {plan: $plan, kind: 'intersection'})-[:PART]->(p:Set)
WHERE NOT EXISTS { MATCH (n)-[:SUBSET_OF]->(p) }
CREATE (n)-[:SUBSET_OF {rule: 'U1', round: $round}]->(p)
RETURN count(p) AS new
