// name:   image_of_a_part
// rule:   U8
// writes: one relabelling makes of a part a part
MATCH (r:Set {plan: $plan, kind: 'relabelled'})-[:IMAGE_OF]->(a:Set)-[:SUBSET_OF]->(b:Set)<-[:IMAGE_OF]-(s:Set)
WHERE r.relabelling = s.relabelling AND r.id <> s.id AND NOT EXISTS { MATCH (r)-[:SUBSET_OF]->(s) }
CREATE (r)-[:SUBSET_OF {rule: 'U8', round: $round}]->(s)
RETURN count(s) AS new
