// name:     hold
// writes:   nothing that stays: it waits until whoever is about to remove this marker has done so, or has not
MATCH (m:ImportMarker {import_id: $import_id})
SET m.held = true
RETURN count(m) AS there
