// name:     create_statements_of_one
// writes:   statements of an imported document, each with an edge to one thing that it names
UNWIND $rows AS row
MATCH (a:Thing {thing_id: row.one})
CREATE (s:Statement:{{label}} {
  statement_id: row.statement_id, scope: row.scope, position: row.position, kind: row.kind,
  iri: row.iri, roles: row.roles, arguments: row.arguments, dashes: row.dashes, attributes: row.attributes,
  values: row.values, datatypes: row.datatypes, languages: row.languages, forms: row.forms,
  key_values: row.key_values, key_datatypes: row.key_datatypes, key_languages: row.key_languages, key_forms: row.key_forms,
  key_entities: row.key_entities, spellings: row.spellings
})-[:{{role}}]->(a)
