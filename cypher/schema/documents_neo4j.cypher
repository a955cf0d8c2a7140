// name:     documents_neo4j
// engine:   neo4j
// writes:   what makes ids of imported documents unique: whoever looks for one that is just being committed then waits for it
CREATE CONSTRAINT prov_document_document_id IF NOT EXISTS FOR (n:ProvDocument) REQUIRE n.document_id IS UNIQUE
