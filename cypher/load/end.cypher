// name:     end
// writes:   the marker away: the load is complete, or undone
MATCH (m:ImportMarker {import_id: $import_id})
DELETE m
