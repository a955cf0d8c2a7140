// name:     indexes_prov
// engine:   every
// writes:   what makes imported PROV documents quick to find; made before the first import, so a survey without any has none
CREATE INDEX thing_thing_id IF NOT EXISTS FOR (n:Thing) ON (n.thing_id);
CREATE INDEX thing_name_key IF NOT EXISTS FOR (n:Thing) ON (n.name_key);
CREATE INDEX statement_statement_id IF NOT EXISTS FOR (n:Statement) ON (n.statement_id);
CREATE INDEX prov_document_digest IF NOT EXISTS FOR (n:ProvDocument) ON (n.digest);
CREATE INDEX prov_bundle_scope_id IF NOT EXISTS FOR (n:ProvBundle) ON (n.scope_id);
CREATE INDEX prov_bundle_document IF NOT EXISTS FOR (n:ProvBundle) ON (n.document)
