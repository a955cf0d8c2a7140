// name:   source_of_a_part
// rule:   U8, conversely
// writes: what a one-to-one relabelling makes a part was one; of the way back, which may lose sources, nothing is said
MATCH (a:Set {plan: $plan})<-[:IMAGE_OF]-(r:Set {kind: 'relabelled', injective: true})-[:SUBSET_OF]->(s:Set)-[:IMAGE_OF]->(b:Set)
WHERE r.relabelling = s.relabelling AND NOT r.relabelling STARTS WITH '~' AND NOT EXISTS { MATCH (a)-[:SUBSET_OF]->(b) }
CREATE (a)-[:SUBSET_OF {rule: 'U8', round: $round}]->(b)
RETURN count(b) AS new
