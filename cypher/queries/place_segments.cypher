// name:     place_segments
// writes:   what the sources of these segments are part of, by which those that cover a part of a set are found
UNWIND $rows AS row
MATCH (n:Entity {object_id: row.id})
SET n.atoms = row.atoms, n.within = row.within
RETURN count(n) AS placed
