// name:     calls_inside
// reads:    the calls made directly inside these
UNWIND $ids AS id
MATCH (b:Activity {activity_id: id})<-[:WAS_INFORMED_BY]-(a:Activity)
RETURN properties(a) AS activity, id AS parent
