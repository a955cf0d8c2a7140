// name:   is_part_of_itself
// rule:   R0
// writes: every set is part of itself
MATCH (a:Set {plan: $plan})
WHERE NOT EXISTS { MATCH (a)-[:SUBSET_OF]->(a) }
CREATE (a)-[:SUBSET_OF {rule: 'R0', round: $round}]->(a)
RETURN count(a) AS new
