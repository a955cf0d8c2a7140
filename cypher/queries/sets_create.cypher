// name: sets_create
// writes: sets of sources whose relations are to be found; edges follow
UNWIND $rows AS row
CREATE (a:Set {
    plan: $plan, id: row.id, kind: row.kind, arity: row.arity, empty: row.empty, n: row.n, relabelling: row.relabelling,
    injective: row.injective
})
RETURN count(a) AS created
