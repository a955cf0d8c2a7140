// name:   part_of_what_is_now_a_part
// rule:   R4 (U3)
// writes: a part of a part is a part: by a step that another rule found since the rule last ran
MATCH (c:Set)<-[step:SUBSET_OF]-(b:Set {plan: $plan})<-[:SUBSET_OF]-(a:Set)
WHERE step.round >= $since AND step.rule <> 'U3' AND a.id <> b.id AND b.id <> c.id
WITH DISTINCT a, c
WHERE NOT EXISTS { MATCH (a)-[:SUBSET_OF]->(c) }
CREATE (a)-[:SUBSET_OF {rule: 'U3', round: $round}]->(c)
RETURN count(c) AS new
