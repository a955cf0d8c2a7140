// name:     activities_known
// reads:    which of these calls are recorded
UNWIND $ids AS id
MATCH (a:Activity {activity_id: id})
RETURN a.activity_id AS activity_id
