// name:     documents_by_id
// reads:    imported documents by id
UNWIND $ids AS id
MATCH (d:ProvDocument {document_id: id})
OPTIONAL MATCH (m:ImportMarker {import_id: d.import_id})
WITH d, count(m) AS markers
RETURN properties(d) AS properties, markers AS markers
