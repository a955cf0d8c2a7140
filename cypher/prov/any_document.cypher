// name:     any_document
// reads:    whether a document was ever imported
MATCH (d:ProvDocument)
RETURN d.document_id AS id
LIMIT 1
