// name:     documents_embedded
// engine:   embedded
// writes:   what makes an imported document quick to find by its id
CREATE INDEX prov_document_document_id IF NOT EXISTS FOR (n:ProvDocument) ON (n.document_id)
