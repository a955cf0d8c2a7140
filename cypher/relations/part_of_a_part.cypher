// name:   part_of_a_part
// rule:   R4 (U3)
// writes: a part of a part is a part: for parts found since the rule last ran, by one step that another rule found
MATCH (a:Set {plan: $plan})-[new:SUBSET_OF]->(b:Set)-[step:SUBSET_OF]->(c:Set)
WHERE new.round >= $since AND step.rule <> 'U3' AND a.id <> b.id AND b.id <> c.id
WITH DISTINCT a, c
WHERE NOT EXISTS { MATCH (a)-[:SUBSET_OF]->(c) }
CREATE (a)-[:SUBSET_OF {rule: 'U3', round: $round}]->(c)
RETURN count(c) AS new
