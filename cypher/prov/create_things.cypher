// name:     create_things
// writes:   what statements of an imported document speak of: one node for a name in a scope
UNWIND $rows AS row
CREATE (n:Thing:{{labels}} {
  thing_id: row.thing_id, scope: row.scope, iri: row.iri, qname: row.qname, name_key: row.name_key
})
