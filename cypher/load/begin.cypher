// name:     begin
// writes:   the marker of a bulk load that is under way; its nodes carry import_id
CREATE (m:ImportMarker {import_id: $import_id, started: $started})
