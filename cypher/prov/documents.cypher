// name:     documents
// reads:    imported documents, the oldest first; one that is still being loaded has a marker
MATCH (d:ProvDocument)
OPTIONAL MATCH (m:ImportMarker {import_id: d.import_id})
WITH d, count(m) AS markers
RETURN properties(d) AS properties, markers AS markers
ORDER BY d.document_id
