// name:     things_named
// reads:    where imported documents speak of a name
MATCH (t:Thing {name_key: $key})
WHERE t.iri = $iri
RETURN t.thing_id AS thing, t.scope AS scope
