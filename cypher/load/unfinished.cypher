// name:     unfinished
// reads:    bulk loads that a killed process left
MATCH (m:ImportMarker)
RETURN m.import_id AS import_id, m.started AS started
