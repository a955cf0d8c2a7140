// name:     create_document
// writes:   an imported document, and its bundles
CREATE (d:ProvDocument {document_id: $id})
SET d += $properties
WITH d
UNWIND $bundles AS row
CREATE (d)-[:HAS_BUNDLE]->(b:ProvBundle {scope_id: row.scope_id})
SET b += row
