// name:     activity_known
// reads:    what is recorded of a call
MATCH (a:Activity {activity_id: $id})
RETURN properties(a) AS properties
