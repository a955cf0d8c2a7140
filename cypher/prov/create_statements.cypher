// name:     create_statements
// writes:   statements of an imported document that name nothing
UNWIND $rows AS row
CREATE (s:Statement:{{label}} {
  statement_id: row.statement_id, scope: row.scope, position: row.position, kind: row.kind,
  iri: row.iri, roles: row.roles, arguments: row.arguments, dashes: row.dashes, attributes: row.attributes,
  values: row.values, datatypes: row.datatypes, languages: row.languages, forms: row.forms,
  key_values: row.key_values, key_datatypes: row.key_datatypes, key_languages: row.key_languages, key_forms: row.key_forms,
  key_entities: row.key_entities, spellings: row.spellings
})
