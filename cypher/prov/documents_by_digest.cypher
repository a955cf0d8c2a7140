// name:     documents_by_digest
// reads:    imported documents by the digest of their bytes; one that is still being loaded has a marker
MATCH (d:ProvDocument {digest: $digest})
OPTIONAL MATCH (m:ImportMarker {import_id: d.import_id})
WITH d, count(m) AS markers
RETURN properties(d) AS properties, markers AS markers
