// name:   part_of_disjoint
// rule:   D2
// writes: a part of a set shares no source with what the set shares none with
MATCH (a:Set {plan: $plan, empty: false})-[:SUBSET_OF]->(b:Set)-[:DISJOINT_FROM]->(c:Set {empty: false})
WITH DISTINCT a, c
WHERE NOT EXISTS { MATCH (a)-[:DISJOINT_FROM]->(c) }
MERGE (a)-[to:DISJOINT_FROM]->(c) ON CREATE SET to.rule = 'D2'
MERGE (c)-[back:DISJOINT_FROM]->(a) ON CREATE SET back.rule = 'D2'
RETURN count(c) AS new
