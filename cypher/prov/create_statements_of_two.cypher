// name:     create_statements_of_two
// writes:   statements of an imported document, each with edges to two things that it names, and the edge between these
UNWIND $rows AS row
MATCH (a:Thing {thing_id: row.one})
MATCH (b:Thing {thing_id: row.other})
CREATE (a)<-[:{{role}}]-(s:Statement:{{label}} {
  statement_id: row.statement_id, scope: row.scope, position: row.position, kind: row.kind,
  iri: row.iri, roles: row.roles, arguments: row.arguments, dashes: row.dashes, attributes: row.attributes,
  values: row.values, datatypes: row.datatypes, languages: row.languages, forms: row.forms,
  key_values: row.key_values, key_datatypes: row.key_datatypes, key_languages: row.key_languages, key_forms: row.key_forms,
  key_entities: row.key_entities, spellings: row.spellings
})-[:{{other}}]->(b),
  (a)-[:{{relation}} {statement: row.statement_id}]->(b)
