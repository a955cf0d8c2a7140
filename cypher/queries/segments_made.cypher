// name:     segments_made
// reads:    all stored segments, the calls that made them, and since when their bytes are dropped
MATCH (n:Segment)
OPTIONAL MATCH (n)-[:WAS_GENERATED_BY]->(a:Activity)
OPTIONAL MATCH (n)<-[:ABOUT]-(t:Note {kind: 'bytes_dropped'})
RETURN properties(n) AS properties, a.activity_id AS activity, a.class_name AS class_name, a.seconds AS seconds,
  max(t.recorded) AS dropped
