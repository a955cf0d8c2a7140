// name:     files_dropped
// reads:    files whose bytes were dropped: since when, and when a place of them was last stated
MATCH (f:StoredFile)<-[:ABOUT]-(t:Note)
WHERE t.kind = 'bytes_dropped'
WITH f, max(t.recorded) AS dropped
OPTIONAL MATCH (f)<-[:ABOUT]-(p:Note)
WHERE p.kind = 'place'
RETURN f.object_id AS file, f.digest AS digest, dropped AS dropped, max(p.recorded) AS placed
