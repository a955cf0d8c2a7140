// name:     migrated
// writes:   the version that the schema now has
MATCH (s:Survey {only: 'survey'})
SET s.schema_version = $schema_version
