// name:   disjoint_images
// rule:   U8 and D2
// writes: a one-to-one relabelling keeps apart what shares no source, and empty what is empty
MATCH (r:Set {plan: $plan, kind: 'relabelled', injective: true})-[:IMAGE_OF]->(a:Set)-[:DISJOINT_FROM]->(b:Set)<-[:IMAGE_OF]-(s:Set)
WHERE r.relabelling = s.relabelling AND NOT EXISTS { MATCH (r)-[:DISJOINT_FROM]->(s) }
CREATE (r)-[:DISJOINT_FROM {rule: 'U8'}]->(s)
RETURN count(s) AS new;

MATCH (r:Set {plan: $plan, empty: false})-[:IMAGE_OF]->(a:Set {empty: true})
SET r.empty = true
