package ingest

// register remembers which record each id is from, to name the first of two. It is a
// list until an id is asked for, which in most layers never happens.
type register struct {
	list []registered
	byID map[uint64]where
}

type registered struct {
	id uint64
	at where
}

// put notes that id is from the record at.
func (r *register) put(id uint64, at where) {
	if r.byID != nil {
		r.byID[id] = at
		return
	}
	r.list = append(r.list, registered{id, at})
}

// of returns the record that id is from.
func (r *register) of(id uint64) where { return r.index()[id] }

// forget drops an id.
func (r *register) forget(id uint64) { delete(r.index(), id) }

func (r *register) index() map[uint64]where {
	if r.byID == nil {
		r.byID = make(map[uint64]where, len(r.list))
		for _, e := range r.list {
			r.byID[e.id] = e.at
		}
		r.list = nil
	}
	return r.byID
}
