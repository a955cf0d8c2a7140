// name:     property_index_drop
// writes:   no index of a property any more
DROP INDEX {{index}} IF EXISTS
